//! What is printed at start about the machine and the command line.

use alloc::string::String;

use fx_boot::{BootInfo, MemKind, Ranges};

/// Who this is, what the loader left, and what is wrong with the command line.
pub fn start(info: &BootInfo, ram: &Ranges, warnings: &[String]) {
    log!("free-xen {} (Xen 4.20 interface)", env!("CARGO_PKG_VERSION"));
    log!("Bootloader: {} ({:?})", &*info.loader, info.protocol);
    if info.efi {
        let known = if info.efi_system.is_some() { "" } else { ", whose system table cannot be read" };
        log!(
            "EFI firmware{known}: {} regions of memory; its runtime services are not used",
            info.efi_regions().len()
        );
    }
    log!("Command line: {}", &*info.cmdline);
    for w in warnings {
        log!("Warning: {w}");
    }
    log!("E820 RAM map:");
    for r in info.regions() {
        log!(" [{:016x}, {:016x}] ({})", r.start, r.end.wrapping_sub(1), kind(r.kind));
    }
    log!("System RAM: {}MB ({}kB)", ram.total() >> 20, ram.total() >> 10);
    for (i, m) in info.modules().iter().enumerate() {
        log!("Module {i}: {:#x}, {} bytes: {}", m.addr, m.len, &*m.cmdline);
    }
}

fn kind(k: MemKind) -> &'static str {
    match k {
        MemKind::RAM => "usable",
        MemKind::RESERVED => "reserved",
        MemKind::ACPI => "ACPI data",
        MemKind::NVS => "ACPI NVS",
        MemKind::UNUSABLE => "unusable",
        _ => "of unknown kind",
    }
}
