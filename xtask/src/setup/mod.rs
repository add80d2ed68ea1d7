//! Makes the machine ready: the Rust target and the Debian packages that images and QEMU runs need.
//!
//! Missing packages are installed by the machine's own `apt-get` (as root or through sudo), with a private list of
//! sources (module [`apt`]): nothing below `/etc/apt` changes.

mod apt;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

pub use apt::{debootstrap_environment, debootstrap_mirror};

use crate::{paths, proc, report};

/// The oldest QEMU whose TCG is known to run Dom0 and its guests.
const QEMU_MAJOR: u32 = 10;
/// The keyring that the archives are checked with.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What must be there, and the package that brings it.
const NEEDED: &[(Need, &str)] = &[
    (Need::Qemu, "qemu-system-x86"),
    (Need::Program("qemu-img"), "qemu-utils"),
    (Need::Program("debootstrap"), "debootstrap"),
    (Need::File(KEYRING), "debian-archive-keyring"),
    (Need::Program("mkfs.ext4"), "e2fsprogs"),
    (Need::Program("xz"), "xz-utils"),
    (Need::Program("zstd"), "zstd"),
    (Need::Program("setpriv"), "util-linux"),
    (Need::Program("gcc"), "gcc"),
    (Need::File("/usr/lib/x86_64-linux-gnu/libc.a"), "libc6-dev"),
];

/// What a CD with GRUB needs besides.
const GRUB: &[(Need, &str)] = &[
    (Need::Program("grub-mkrescue"), "grub-common"),
    (Need::File("/usr/lib/grub/i386-pc/multiboot2.mod"), "grub-pc-bin"),
    (Need::Program("xorriso"), "xorriso"),
    (Need::Program("mformat"), "mtools"),
];

/// What the guests' disk needs.
const GUEST_DISK: &[(Need, &str)] = &[
    (Need::Program("sfdisk"), "fdisk"),
    (Need::Program("mcopy"), "mtools"),
    (Need::Program("grub-mkimage"), "grub-common"),
    (Need::File("/usr/lib/grub/i386-pc/boot.img"), "grub-pc-bin"),
    (Need::File("/usr/lib/grub/x86_64-efi/linux.mod"), "grub-efi-amd64-bin"),
];

/// What a CD needs besides that is to start on UEFI.
const GRUB_EFI: &[(Need, &str)] =
    &[(Need::File("/usr/lib/grub/x86_64-efi/multiboot2.mod"), "grub-efi-amd64-bin")];

/// UEFI firmware for QEMU: its code, and a store of variables as it is at first.
const OVMF_FILES: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"];
const OVMF: &[(Need, &str)] = &[(Need::File(OVMF_FILES[0]), "ovmf"), (Need::File(OVMF_FILES[1]), "ovmf")];

/// What Bochs needs.
const BOCHS: &[(Need, &str)] = &[
    (Need::Program("bochs"), "bochs"),
    (Need::File("/usr/share/bochs/BIOS-bochs-latest"), "bochsbios"),
    (Need::File("/usr/share/vgabios/vgabios.bin"), "vgabios"),
];

/// One thing that a run needs.
enum Need {
    Program(&'static str),
    File(&'static str),
    Qemu,
}

impl Need {
    fn met(&self) -> bool {
        match self {
            Need::Program(name) => proc::exists(name),
            Need::File(path) => Path::new(path).exists(),
            Need::Qemu => qemu_major().is_some_and(|major| major >= QEMU_MAJOR),
        }
    }
}

/// Installs a Rust target when it is missing.
pub fn rust_target(target: &str) -> Result<()> {
    let sysroot = proc::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib").is_dir() {
        return Ok(());
    }
    report::step(&format!("install the Rust target {target}"), || {
        proc::run(Command::new("rustup").args(["target", "add", target]))
    })
}

/// Installs what images and QEMU runs need and is missing.
pub fn packages() -> Result<()> {
    install(NEEDED)
}

/// Installs what a CD with GRUB needs and is missing.
pub fn grub() -> Result<()> {
    install(GRUB)
}

/// Installs what the guests' disk needs and is missing.
pub fn guest_disk() -> Result<()> {
    install(GUEST_DISK)
}

/// Installs what a CD for UEFI needs besides and is missing.
pub fn grub_efi() -> Result<()> {
    install(GRUB_EFI)
}

/// Installs UEFI firmware for QEMU if it is missing: the files of its code and of its first variables.
pub fn ovmf() -> Result<[&'static str; 2]> {
    install(OVMF)?;
    Ok(OVMF_FILES)
}

/// Installs what Bochs needs and is missing.
pub fn bochs() -> Result<()> {
    install(BOCHS)
}

fn install(needed: &[(Need, &'static str)]) -> Result<()> {
    let mut missing: Vec<&str> =
        needed.iter().filter(|(need, _)| !need.met()).map(|&(_, package)| package).collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    if !proc::exists("apt-get") {
        bail!("please install (names of Debian's packages): {}", missing.join(" "));
    }
    report::step(&format!("install {}", missing.join(" ")), || apt::install(&missing))?;
    match needed.iter().find(|(need, _)| !need.met()) {
        Some((_, package)) => bail!("{package} is installed, but still missing or too old"),
        None => Ok(()),
    }
}

/// The folder that holds `xen/`, the public headers of Xen 4.20 (Debian's libxen-dev, unpacked in the cache, not
/// installed), for the test that compares the ABI crate with them. `XEN_INCLUDE` takes precedence.
pub fn xen_headers() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XEN_INCLUDE") {
        return Ok(dir.into());
    }
    let folder = paths::cache().join("libxen-dev");
    let headers = folder.join("usr/include");
    if !headers.join("xen/xen.h").is_file() {
        report::step("fetch Xen's public headers (libxen-dev)", || apt::unpack("libxen-dev", &folder))?;
    }
    if !headers.join("xen/xen.h").is_file() {
        bail!("no xen/xen.h in {}", headers.display());
    }
    Ok(headers)
}

fn qemu_major() -> Option<u32> {
    let text = proc::output(Command::new("qemu-system-x86_64").arg("--version")).ok()?;
    let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1)?;
    version.split('.').next()?.parse().ok()
}

/// A value of the machine's `/etc/os-release`.
fn os_release(key: &str) -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    Ok(value.unwrap_or_default().trim_matches('"').to_owned())
}
