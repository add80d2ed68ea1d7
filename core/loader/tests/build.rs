//! Builds synthetic kernels on a fake machine and looks at the result through the page tables.

mod common;

use common::*;
use fx_loader::{BuildParams, Built, InitrdSource, KernelInfo, Layout, LoadError, build, hypercall_page};
use fx_types::{Maddr, Mfn, PhysMem, PhysMemExt};
use xen_abi::elfnote::*;
use xen_abi::xen::*;

const NR_PAGES: u64 = 4096 + 100;

fn params(nr_pages: u64) -> BuildParams<'static> {
    BuildParams { nr_pages, shared_info: Maddr(0x7000), cmdline: b"console=hvc0 quiet", flags: 0, vga: None }
}

fn start_info(d: &Dom, b: &Built) -> StartInfo {
    let w = walk(&d.ram, b.l4, b.start_info_va).unwrap();
    d.ram.get(Mfn(w.mfn).addr())
}

fn initrd_bytes() -> Vec<u8> {
    (0..0x12345u32).map(|i| (i ^ i >> 8) as u8).collect()
}

/// What must hold of every domain.
fn check(d: &Dom, b: &Built) {
    let l = &b.layout;
    assert!(l.v_end.is_multiple_of(4 << 20) && l.v_end - b.stack >= 512 << 10);
    for va in (l.v_start..l.v_end).step_by(4096) {
        let pfn = (va - l.v_start) / 4096;
        let w = walk(&d.ram, b.l4, va).unwrap();
        assert_eq!(w.mfn, OTHER + d.nr_pages - 1 - pfn);
        assert_eq!(w.writable, !b.table_pfns.contains(&pfn), "pfn {pfn:#x}");
    }
    assert_eq!(walk(&d.ram, b.l4, l.v_end), None);
    let mfns = read_va(&d.ram, b.l4, l.p2m_va, (d.nr_pages * 8) as usize);
    for (pfn, e) in mfns.as_chunks::<8>().0.iter().enumerate() {
        let mfn = u64::from_le_bytes(*e);
        assert_eq!(mfn, OTHER + d.nr_pages - 1 - pfn as u64);
        assert_eq!(d.m2p.borrow()[&mfn], pfn as u64);
    }
    assert_eq!(d.filled.get(), Some(b.l4));
    assert_eq!(d.ram.load64(b.l4.at(256 * 8)), HYP_MARK);
    assert!(read_va(&d.ram, b.l4, b.stack - 4096, 4096).iter().all(|c| *c == 0));

    assert_eq!(read_va(&d.ram, b.l4, l.v_start + LOAD + 0x2000, 0x345), text()[0x2000..]);
    assert_eq!(read_va(&d.ram, b.l4, l.v_start + DATA, 0x1800), data());
    assert!(read_va(&d.ram, b.l4, l.v_start + DATA + 0x1800, 0x3000).iter().all(|c| *c == 0));

    let si = start_info(d, b);
    assert_eq!(&si.magic[..16], b"xen-3.0-x86_64\0\0");
    assert_eq!((si.nr_pages, si.shared_info), (d.nr_pages, 0x7000));
    assert_eq!((si.store_mfn, si.store_evtchn), (0, 0));
    assert_eq!(walk(&d.ram, b.l4, si.pt_base).unwrap().mfn, b.l4.0);
    assert_eq!(si.nr_pt_frames, b.table_pfns.end - b.table_pfns.start);
    assert_eq!(si.mfn_list, l.p2m_va);
    assert_eq!(&si.cmd_line[..19], b"console=hvc0 quiet\0");
}

#[test]
fn as_linux_wants_it() {
    let file = elf(&linux_notes());
    let k = KernelInfo::parse(&file).unwrap();
    assert_eq!(k.check_dom0(), Ok(()));
    let d = Dom::new(NR_PAGES);
    let initrd = initrd_bytes();
    let b = build(&d, &k, InitrdSource::Bytes(&initrd), &params(NR_PAGES)).unwrap();
    check(&d, &b);
    assert_eq!(b.entry, VIRT_BASE + LOAD + 0x40);
    let page = read_va(&d.ram, b.l4, VIRT_BASE + LOAD + 0x1000, 4096);
    assert_eq!(page, hypercall_page());
    assert_eq!(b.hypercall_page.unwrap().0, VIRT_BASE + LOAD + 0x1000);

    let si = start_info(&d, &b);
    assert_eq!(si.flags, SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_MOD_START_PFN);
    assert_eq!(si.console, [0; 4]);
    // The ramdisk follows the mapped region, then come the tables of the p2m, then the p2m.
    let mapped = (b.layout.v_end - b.layout.v_start) / 4096;
    assert_eq!((si.mod_start, si.mod_len), (mapped, initrd.len() as u64));
    for (i, c) in initrd.chunks(4096).enumerate() {
        let mut got = vec![0; 4096];
        d.ram.read(Mfn(OTHER + NR_PAGES - 1 - mapped - i as u64).addr(), &mut got);
        assert_eq!(&got[..c.len()], c);
        assert!(got[c.len()..].iter().all(|c| *c == 0));
    }
    assert_eq!((si.mfn_list, si.first_p2m_pfn, si.nr_p2m_frames), (P2M, mapped + 19, 3 + 9));
    assert_eq!(b.p2m_table_pfns, mapped + 19..mapped + 22);
    assert_eq!(b.layout.used_pages, mapped + 19 + 12);
}

#[test]
fn all_in_the_mapped_region() {
    let wanted = [XEN_ELFNOTE_INIT_P2M, XEN_ELFNOTE_MOD_START_PFN, XEN_ELFNOTE_HYPERCALL_PAGE];
    let notes: Vec<_> = linux_notes()
        .into_iter()
        .filter(|n| !wanted.contains(&u32::from_le_bytes(n[8..12].try_into().unwrap())))
        .collect();
    let file = elf(&notes);
    let k = KernelInfo::parse(&file).unwrap();
    let d = Dom::new(NR_PAGES);
    let initrd = initrd_bytes();
    for (i, c) in initrd.chunks(4096 - 0x123).enumerate() {
        // Behind each other in frames 0 to 15, from an odd address on.
        for (j, v) in c.iter().enumerate() {
            d.ram.store8(Maddr((0x123 + i * (4096 - 0x123) + j) as u64), *v);
        }
    }
    let source = InitrdSource::Machine { start: Maddr(0x123), len: 0xf000 };
    let b = build(&d, &k, source, &params(NR_PAGES)).unwrap();
    check(&d, &b);
    let si = start_info(&d, &b);
    assert_eq!(si.flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    assert_eq!(si.mod_start, k.end.next_multiple_of(4096));
    assert_eq!(read_va(&d.ram, b.l4, si.mod_start, 0xf000), initrd[..0xf000]);
    assert_eq!(si.mfn_list, si.mod_start + 0xf000);
    assert_eq!((si.first_p2m_pfn, si.nr_p2m_frames), (0, 0));
    assert_eq!((b.hypercall_page, b.p2m_table_pfns), (None, 0..0));
}

#[test]
fn frames_in_place_are_left_alone() {
    let file = elf(&linux_notes());
    let k = KernelInfo::parse(&file).unwrap();
    let d = Dom::new(NR_PAGES);
    let plan = Layout::plan(&k, 5000, NR_PAGES).unwrap();
    let b = build(&d, &k, InitrdSource::InPlace { len: 5000 }, &params(NR_PAGES)).unwrap();
    assert_eq!(b.layout, plan);
    check(&d, &b);
    assert_eq!(plan.initrd_pfns.end - plan.initrd_pfns.start, 2);
    for pfn in plan.initrd_pfns {
        assert_eq!(d.ram.load64(Mfn(OTHER + NR_PAGES - 1 - pfn).addr()), 0xa5a5_a5a5_a5a5_a5a5);
    }
}

#[test]
fn display_and_long_command_line() {
    let file = elf(&linux_notes());
    let k = KernelInfo::parse(&file).unwrap();
    let d = Dom::new(NR_PAGES);
    let long = [b'x'; 2000];
    let mut vga: Dom0VgaConsoleInfo = zerocopy::FromZeros::new_zeroed();
    vga.video_type = XEN_VGATYPE_TEXT_MODE_3;
    let p = BuildParams { cmdline: &long, vga: Some(vga), flags: 0x100, ..params(NR_PAGES) };
    let b = build(&d, &k, InitrdSource::None, &p).unwrap();
    assert!(b.cmdline_truncated);
    let si = start_info(&d, &b);
    assert_eq!(si.cmd_line[1022..], [b'x', 0]);
    assert_eq!((si.flags, si.mod_start, si.mod_len), (0x103, 0, 0));
    let c = si.console_dom0();
    assert_eq!(c.info_size as usize, size_of::<Dom0VgaConsoleInfo>());
    assert_eq!(read_va(&d.ram, b.l4, b.start_info_va + u64::from(c.info_off), 1), [XEN_VGATYPE_TEXT_MODE_3]);
}

#[test]
fn too_small() {
    let file = elf(&linux_notes());
    let k = KernelInfo::parse(&file).unwrap();
    let need = match Layout::plan(&k, 0, 100) {
        Err(LoadError::TooSmall { need, have: 100 }) => need,
        other => panic!("{other:?}"),
    };
    assert!(Layout::plan(&k, 0, need + 8).is_ok());
    let text = LoadError::TooSmall { need: 1025, have: 256 }.to_string();
    assert_eq!(text, "Dom0 has 1 MiB of memory and needs at least 5 MiB to start: raise dom0_mem");
}

fn parse_without(kind: u32) -> LoadError {
    let notes: Vec<_> = linux_notes().into_iter().filter(|n| n[8..12] != kind.to_le_bytes()).collect();
    KernelInfo::parse(&elf(&notes)).unwrap_err()
}

fn parse_with(note: Vec<u8>) -> LoadError {
    let mut notes = linux_notes();
    notes.push(note);
    let file = elf(&notes);
    KernelInfo::parse(&file)
        .and_then(|k| k.check_dom0().and_then(|()| Layout::plan(&k, 0, NR_PAGES)))
        .unwrap_err()
}

#[test]
fn kernels_that_cannot_be_dom0() {
    assert_eq!(parse_without(XEN_ELFNOTE_ENTRY), LoadError::NoPvEntry);
    assert_eq!(KernelInfo::parse(&elf(&[])).unwrap_err(), LoadError::NoXenNotes);
    assert_eq!(parse_with(note(XEN_ELFNOTE_XEN_VERSION, b"xen-2\0")), LoadError::WrongXenVersion);
    let hvm = note(XEN_ELFNOTE_FEATURES, b"!auto_translated_physmap");
    assert_eq!(parse_with(hvm), LoadError::UnsupportedFeatures(4));
    for (kind, name) in [
        (XEN_ELFNOTE_ENTRY, "ENTRY"),
        (XEN_ELFNOTE_VIRT_BASE, "VIRT_BASE"),
        (XEN_ELFNOTE_HYPERCALL_PAGE, "HYPERCALL_PAGE"),
        (XEN_ELFNOTE_INIT_P2M, "INIT_P2M"),
    ] {
        assert_eq!(parse_with(num(kind, 0x1001)), LoadError::BadAddress(name));
    }
    for p2m in
        [VIRT_BASE + (1 << 30), fx_types::HYP_VIRT_START, 0x7fff_ffff_f000, 1 << 63, 0u64.wrapping_sub(4096)]
    {
        assert_eq!(parse_with(num(XEN_ELFNOTE_INIT_P2M, p2m)), LoadError::BadAddress("INIT_P2M"));
    }
    let notes = [num(XEN_ELFNOTE_ENTRY, LOAD), note(XEN_ELFNOTE_SUPPORTED_FEATURES, &[1, 0, 0, 0])];
    let file = elf(&notes);
    assert_eq!(KernelInfo::parse(&file).unwrap().check_dom0(), Err(LoadError::NotDom0));
}
