//! Debian's kernel, when there is a lab (its directory in the variable `LAB_DIR`).

mod common;

use common::*;
use fx_loader::{BuildParams, InitrdSource, KernelInfo, build, unpack};
use fx_types::Maddr;

#[test]
fn debian_kernel() {
    let Some(file) = std::env::var_os("LAB_DIR")
        .and_then(|d| std::fs::read(std::path::Path::new(&d).join("vmlinuz")).ok())
    else {
        println!("skipped: no file vmlinuz in $LAB_DIR");
        return;
    };
    let image = unpack(&file).unwrap();
    let k = KernelInfo::parse(&image).unwrap();
    k.check_dom0().unwrap();
    assert_eq!((k.virt_base, k.notes.init_p2m), (VIRT_BASE, Some(P2M)));
    assert!(k.notes.mod_start_pfn);
    println!("{} bytes, entry {:#x}, end {:#x}", image.len(), k.entry, k.end);

    let nr_pages = 128 << 8;
    let d = Dom::new(nr_pages);
    let params = BuildParams { nr_pages, shared_info: Maddr(0), cmdline: b"", flags: 0, vga: None };
    let b = build(&d, &k, InitrdSource::InPlace { len: 13 << 20 }, &params).unwrap();
    println!("{:#x?}", b.layout);
    for s in &k.segments {
        assert!(read_va(&d.ram, b.l4, s.va, s.data.len()) == s.data);
    }
}
