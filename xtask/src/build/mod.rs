//! `build`: the hypervisor and the test guests for the bare machine, and the file that boot loaders take.

mod elf32;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{paths, proc, report, setup};

/// The bare-metal target of the hypervisor and the test guests.
const TARGET: &str = "x86_64-unknown-none";

/// Code generation of all freestanding crates. PIC, because the hypervisor is linked at its virtual address far
/// from the top 2 GiB and runs its first instructions at its physical one; frame pointers for backtraces.
const CODEGEN: &[&str] = &["-Crelocation-model=pic", "-Ccode-model=small", "-Cforce-frame-pointers=yes"];

/// Linking: each freestanding crate has a `link.ld` beside its `Cargo.toml`, which is passed too when it is there.
const LINK: &[&str] = &["-Clink-arg=-no-pie", "-Clink-arg=--no-dynamic-linker", "-Clink-arg=-zmax-page-size=4096"];

/// What `build` made.
pub struct Built {
    /// Bootable by multiboot and PVH loaders (32-bit ELF).
    pub hypervisor: PathBuf,
    /// Name and ELF file of each test guest.
    pub guests: Vec<(String, PathBuf)>,
}

/// Builds everything that runs on the bare machine.
pub fn build() -> Result<Built> {
    setup::rust_target(TARGET)?;
    let dist = paths::dist();
    fs::create_dir_all(dist.join("guests"))?;
    let syms = dist.join("free-xen.syms");
    let elf = report::step("build free-xen", || compile("free-xen", "hypervisor"))?;
    fs::copy(&elf, &syms)?;
    let hypervisor = dist.join("free-xen");
    let bytes = elf32::from_elf64(&fs::read(&elf)?).context("making the boot file")?;
    fs::write(&hypervisor, &bytes)?;
    report::say(format_args!("  {} ({} KiB)", hypervisor.display(), bytes.len() / 1024));
    let mut guests = Vec::new();
    for name in guest_names()? {
        let elf = report::step(&format!("build guest {name}"), || {
            compile(&format!("guest-{name}"), &format!("guests/{name}"))
        })?;
        let to = dist.join("guests").join(format!("{name}.elf"));
        fs::copy(&elf, &to)?;
        guests.push((name, to));
    }
    Ok(Built { hypervisor, guests })
}

/// Names of the test guests: the folders of `guests/` that are crates.
pub fn guest_names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(paths::root().join("guests"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Compiles one freestanding package, whose sources are in `folder`; returns its ELF file.
fn compile(package: &str, folder: &str) -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command
        .current_dir(paths::root())
        .env("RUSTFLAGS", CODEGEN.join(" "))
        .args(["rustc", "--quiet", "--release", "--target", TARGET, "--package", package, "--bin", package, "--"])
        .args(LINK);
    let script = paths::root().join(folder).join("link.ld");
    if script.is_file() {
        command.arg(format!("-Clink-arg=-T{}", script.display()));
    }
    proc::run(&mut command)?;
    Ok(paths::target().join(TARGET).join("release").join(package))
}

/// Runs clippy over the freestanding packages as they are built, warnings being errors.
pub fn clippy() -> Result<()> {
    setup::rust_target(TARGET)?;
    let mut command = Command::new("cargo");
    command
        .current_dir(paths::root())
        .env("RUSTFLAGS", CODEGEN.join(" "))
        .args(["clippy", "--quiet", "--release", "--target", TARGET, "--package", "free-xen"]);
    for name in guest_names()? {
        command.args(["--package", &format!("guest-{name}")]);
    }
    proc::run(command.args(["--", "-Dwarnings"]))
}
