//! `build`: the hypervisor and the test guests for the bare machine, and the file that boot loaders take.

pub mod elf32;
mod symbols;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{paths, proc, report, setup};

/// The bare-metal target of the hypervisor and the test guests.
const TARGET: &str = "x86_64-unknown-none";

/// Code generation of all freestanding crates. PIC, because the hypervisor is linked far from the top 2 GiB and runs
/// its first instructions at its physical address; frame pointers for backtraces. The code model stays the target's
/// own ("kernel", which under PIC makes no absolute references): LTO cannot join `core` with another one.
const CODEGEN: &[&str] = &["-Crelocation-model=pic", "-Cforce-frame-pointers=yes"];

/// Linking: each freestanding crate has a `link.ld` beside its `Cargo.toml`, which is passed too when it is there.
const LINK: &[&str] =
    &["-Clink-arg=-no-pie", "-Clink-arg=--no-dynamic-linker", "-Clink-arg=-zmax-page-size=4096"];

/// Builds everything that runs on the bare machine.
pub fn build() -> Result<()> {
    hypervisor()?;
    guests()?;
    Ok(())
}

/// Builds the hypervisor: the file to boot (multiboot and PVH, 32-bit ELF), and beside it the ELF file with its symbols.
pub fn hypervisor() -> Result<PathBuf> {
    let dist = dist()?;
    let elf = report::step("build free-xen", || compile("free-xen", "hypervisor"))?;
    fs::copy(&elf, dist.join("free-xen.syms"))?;
    let file = dist.join("free-xen");
    let mut image = fs::read(&elf)?;
    let names = symbols::embed(&mut image).context("collecting the names of functions")?;
    let bytes = elf32::from_elf64(&image, &names).context("making the boot file")?;
    fs::write(&file, &bytes)?;
    report::say(format_args!("  {} ({} KiB)", file.display(), bytes.len() / 1024));
    Ok(file)
}

/// Builds the test guests: name and ELF file of each.
pub fn guests() -> Result<Vec<(String, PathBuf)>> {
    let dist = dist()?;
    let mut guests = Vec::new();
    for name in guest_names()? {
        let elf = report::step(&format!("build guest {name}"), || {
            compile(&format!("guest-{name}"), &format!("guests/{name}"))
        })?;
        let to = dist.join("guests").join(format!("{name}.elf"));
        fs::copy(&elf, &to)?;
        guests.push((name, to));
    }
    Ok(guests)
}

fn dist() -> Result<PathBuf> {
    let dist = paths::dist();
    fs::create_dir_all(dist.join("guests"))?;
    Ok(dist)
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
    setup::rust_target(TARGET)?;
    let mut command = Command::new("cargo");
    command
        .current_dir(paths::root())
        .env("RUSTFLAGS", CODEGEN.join(" "))
        .args([
            "rustc",
            "--quiet",
            "--release",
            "--target",
            TARGET,
            "--package",
            package,
            "--bin",
            package,
            "--",
        ])
        .args(LINK);
    if let Ok(script) = fs::read(paths::root().join(folder).join("link.ld")) {
        command.arg(format!("-Clink-arg=-T{}", hashed_copy(&script, package)?.display()));
    }
    proc::run(&mut command)?;
    Ok(paths::target().join(TARGET).join("release").join(package))
}

/// Copies a linker script to a file named after its contents: cargo does not look into linker scripts, but it links
/// again when the arguments change.
fn hashed_copy(script: &[u8], package: &str) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    script.hash(&mut hasher);
    let folder = paths::target().join("link");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(format!("{package}-{:016x}.ld", hasher.finish()));
    fs::write(&copy, script)?;
    Ok(copy)
}

/// Runs clippy over the freestanding packages as they are built, warnings being errors.
pub fn clippy() -> Result<()> {
    setup::rust_target(TARGET)?;
    // One by one: together they would get each other's features.
    let guests = guest_names()?.into_iter().map(|name| format!("guest-{name}"));
    for package in core::iter::once("free-xen".to_owned()).chain(guests) {
        let mut command = Command::new("cargo");
        command.current_dir(paths::root()).env("RUSTFLAGS", CODEGEN.join(" "));
        command.args(["clippy", "--quiet", "--release", "--target", TARGET, "--package", &package]);
        proc::run(command.args(["--", "-Dwarnings"]))?;
    }
    Ok(())
}
