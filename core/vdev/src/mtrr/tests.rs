use proptest::prelude::*;

use super::*;

fn on() -> Mtrr {
    let mut m = Mtrr::new(40);
    assert!(m.write(MSR_DEFAULT, 0xc06));
    m
}

#[test]
fn registers() {
    let mut m = Mtrr::new(40);
    assert_eq!((m.read(MSR_CAP), m.write(MSR_CAP, CAP)), (Some(0x508), false));
    assert_eq!((m.read(MSR_PAT), m.read(MSR_DEFAULT)), (Some(PAT_RESET), Some(0)));
    for msr in (0x200..0x210).chain(MSR_FIXED) {
        assert!(Mtrr::owns(msr) && m.read(msr) == Some(0));
    }
    for msr in [0xfd, 0x1ff, 0x210, 0x24f, 0x251, 0x25a, 0x267, 0x270, 0x276, 0x278, 0x2fe, 0x300, u32::MAX] {
        assert!(!Mtrr::owns(msr) && m.read(msr).is_none() && !m.write(msr, 0));
    }
}

#[test]
fn values() {
    let mut m = Mtrr::new(40);
    assert!(
        m.write(MSR_PAT, 0x0007_0105_0600_0407) && !m.write(MSR_PAT, 0x0200) && !m.write(MSR_PAT, 8 << 56)
    );
    assert_eq!((m.attribute(0), m.attribute(4), m.attribute(7)), (Type(7), Type(5), Type(0)));
    assert!(!m.write(MSR_DEFAULT, 7) && !m.write(MSR_DEFAULT, 0x1000) && !m.write(MSR_DEFAULT, 0x100));
    assert!(m.write(0x200, 0xff_c000_0006) && !m.write(0x200, 0xc000_0002) && !m.write(0x200, 0xc000_0106));
    assert!(m.write(0x201, 0xff_c000_0800) && !m.write(0x201, 1 << 40 | 0x800) && !m.write(0x201, 0x400));
    assert_eq!((m.read(0x200), m.read(0x201)), (Some(0xff_c000_0006), Some(0xff_c000_0800)));
    assert!(m.write(0x26f, 0x0605_0401_0006_0606) && !m.write(0x26f, 0x02 << 24));
}

#[test]
fn types() {
    let mut m = Mtrr::new(40);
    assert_eq!(m.memory_type(0), Type::UNCACHABLE, "off");
    assert!(m.write(MSR_DEFAULT, 0x806));
    assert_eq!(m.memory_type(0xa_0000), Type::WRITE_BACK, "fixed ranges off");
    assert!(m.write(MSR_DEFAULT, 0xc06));
    // As hvmloader sets them up: all of the first MiB but for video memory is write-back; the hole below 4 GiB is not cached.
    for msr in MSR_FIXED {
        assert!(m.write(msr, if msr == 0x259 { 0x01 << 8 } else { 0x0606_0606_0606_0606 }));
    }
    assert!(m.write(0x200, 0xf000_0000) && m.write(0x201, 0xff_f000_0800));
    let all =
        [0x9_ffff, 0xa_0000, 0xa_4000, 0xb_ffff, 0xc_0000, 0xf_ffff, 0x10_0000].map(|a| m.memory_type(a).0);
    assert_eq!(all, [6, 0, 1, 0, 6, 6, 6]);
    let all = [0xefff_ffff, 0xf000_0000, 0xffff_ffff, 0x1_0000_0000].map(|a| m.memory_type(a).0);
    assert_eq!(all, [6, 0, 0, 6]);
    assert!(m.write(0x26a, 0x0504_0101_0104_0506), "0xd0000 to 0xd7fff");
    let all = [0xd_0000, 0xd_1000, 0xd_2fff, 0xd_3000, 0xd_7fff].map(|a| m.memory_type(a).0);
    assert_eq!(all, [6, 5, 4, 1, 5]);
}

#[test]
fn overlaps() {
    let mut m = on();
    let whole = 0xff_0000_0000 | VALID;
    let mut set = |n: u32, kind: u64| assert!(m.write(0x200 + 2 * n, kind) && m.write(0x201 + 2 * n, whole));
    set(0, 6);
    set(1, 4);
    assert_eq!(m.memory_type(0x1000_0000), Type::WRITE_THROUGH);
    assert!(m.write(0x204, 1) && m.write(0x205, whole));
    assert_eq!(m.memory_type(0x1000_0000), Type::UNCACHABLE);
    assert!(m.write(0x205, 0) && m.write(0x203, 0) && m.write(0x200, 5));
    assert_eq!(m.memory_type(0x1000_0000), Type::WRITE_PROTECTED);
}

#[test]
fn saved_and_loaded() {
    let mut m = on();
    assert!(
        m.write(0x20e, 0x1234_5001)
            && m.write(0x20f, 0xff_ffff_f800)
            && m.write(0x258, 6)
            && m.write(MSR_PAT, 6)
    );
    let k = m.save();
    assert_eq!(
        (k.msr_mtrr_var[14], k.msr_mtrr_var[15], k.msr_mtrr_fixed[1]),
        (0x1234_5001, 0xff_ffff_f800, 6)
    );
    assert_eq!((k.msr_mtrr_cap, k.msr_mtrr_def_type, k.msr_pat_cr), (0x508, 0xc06, 6));
    let mut n = Mtrr::new(36);
    assert!(n.load(&k));
    assert_eq!((n.read(0x20e), n.read(0x20f), n.read(0x258)), (Some(0x1234_5001), Some(0), Some(6)));
    assert!(!n.load(&HvmHwMtrr { msr_mtrr_cap: 9, ..k }));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// What is taken reads back, what is not changes nothing, and types are types.
    #[test]
    fn anything(bits: u8, steps in prop::collection::vec((0x1fe..0x301u32, any::<u64>(), any::<u64>()), 0..200)) {
        let mut m = Mtrr::new(bits);
        for (msr, value, keep) in steps {
            let value = value & keep & 0x0707_0707_0707_0f07;
            let old = m.read(msr);
            let taken = m.write(msr, value);
            prop_assert_eq!(m.read(msr), if taken { Some(value) } else { old });
            prop_assert!(Type::is_for_range(m.memory_type(keep).0));
            prop_assert!(Type::is_for_range(m.memory_type(keep & 0xf_ffff).0));
            prop_assert!(Type::is_for_pat(m.attribute(bits).0));
            let mut n = Mtrr::new(bits);
            prop_assert!(n.load(&m.save()));
            prop_assert_eq!(n.read(msr), m.read(msr));
        }
    }
}
