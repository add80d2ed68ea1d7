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
    assert!(!m.write(MSR_DEFAULT, 7) && !m.write(MSR_DEFAULT, 0x1000) && !m.write(MSR_DEFAULT, 0x100));
    assert!(m.write(0x200, 0xff_c000_0006) && !m.write(0x200, 0xc000_0002) && !m.write(0x200, 0xc000_0106));
    assert!(m.write(0x201, 0xff_c000_0800) && !m.write(0x201, 1 << 40 | 0x800) && !m.write(0x201, 0x400));
    assert_eq!((m.read(0x200), m.read(0x201)), (Some(0xff_c000_0006), Some(0xff_c000_0800)));
    assert!(m.write(0x26f, 0x0605_0401_0006_0606) && !m.write(0x26f, 0x02 << 24));
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

    /// What is taken reads back, what is not changes nothing.
    #[test]
    fn anything(bits: u8, steps in prop::collection::vec((0x1fe..0x301u32, any::<u64>(), any::<u64>()), 0..200)) {
        let mut m = Mtrr::new(bits);
        for (msr, value, keep) in steps {
            let value = value & keep & 0x0707_0707_0707_0f07;
            let old = m.read(msr);
            let taken = m.write(msr, value);
            prop_assert_eq!(m.read(msr), if taken { Some(value) } else { old });
            let mut n = Mtrr::new(bits);
            prop_assert!(n.load(&m.save()));
            prop_assert_eq!(n.read(msr), m.read(msr));
        }
    }
}
