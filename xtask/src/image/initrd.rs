//! The initrds: Dom0's (busybox, the modules of the root disk and the network card, our init) and the guests'.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Image;
use super::cpio::Archive;
use super::rootfs::Root;
use crate::{paths, proc};

/// Modules of Dom0's initrd, in the order of loading (what they need comes before them by itself).
const DOM0_MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "ahci",
    "ata_piix",
    "sd_mod",
    "e1000",
    "crc32c_generic",
    "ext4",
];
/// Modules of the guests' initramfs.
const GUEST_MODULES: &[&str] = &["xen-blkfront", "xen-netfront"];
/// Modules of what a device model emulates, for guests that have one.
const EMULATED_MODULES: &[&str] = &["ata_piix", "sd_mod", "8139cp", "button", "evdev"];
/// Folders that both need.
const FOLDERS: &[&str] = &["bin", "dev", "etc", "modules", "proc", "sys", "tmp"];

/// Makes Dom0's initrd.
pub fn dom0(root: &Root, to: &Path) -> Result<()> {
    let mut archive = base(root, &paths::image_sources().join("initrd/init"), DOM0_MODULES)?;
    archive.folder("root")?;
    write(archive, to)
}

/// Makes the guests' initramfs.
pub fn guest(root: &Root, tool: &Path, to: &Path) -> Result<()> {
    let mut archive = base(root, &paths::image_sources().join("guest/init"), GUEST_MODULES)?;
    archive.copy_program("bin/fxtool", tool)?;
    write(archive, to)
}

/// Makes the archive with the drivers of emulated devices, which is joined to the guests' initramfs.
pub fn emulated(root: &Root, to: &Path) -> Result<()> {
    let mut archive = Archive::default();
    archive.folder("modules")?;
    modules(root, &mut archive, EMULATED_MODULES, "emulated")?;
    write(archive, to)
}

/// Whether one of these jobs starts a test guest of ours, from `/fx/guests`.
pub fn need_guests(jobs: &[String]) -> bool {
    let folder = paths::image_sources().join("jobs");
    let script = |job: &String| fs::read_to_string(folder.join(format!("{job}.sh"))).unwrap_or_default();
    jobs.iter().any(|job| script(job).contains("/fx/guests/"))
}

/// Dom0's initrd with the jobs, the guests' files, test guests and `env` (a shell fragment that the jobs read) in `/fx`.
pub fn with_jobs(image: &Image, env: &str, guests: &[(String, PathBuf)], to: &Path) -> Result<()> {
    let sources = paths::image_sources();
    let mut archive = Archive::default();
    archive.folder("fx")?;
    archive.folder("fx/jobs")?;
    archive.copy_program("fx/init", &sources.join("dom0/init"))?;
    archive.copy_program("fx/fxtool", &image.tool)?;
    archive.file("fx/dialog.py", &fs::read(sources.join("tools/dialog.py"))?)?;
    archive.file("fx/env", env.as_bytes())?;
    archive.file("fx/guest.cpio", &fs::read(&image.guest_initrd)?)?;
    archive.folder("fx/guests")?;
    for (name, elf) in guests {
        archive.file(&format!("fx/guests/{name}.elf"), &fs::read(elf)?)?;
    }
    let mut jobs: Vec<PathBuf> = fs::read_dir(sources.join("jobs"))?.flatten().map(|e| e.path()).collect();
    jobs.sort();
    for job in jobs.iter().filter(|path| path.extension().is_some_and(|e| e == "sh")) {
        let name = job.file_name().unwrap_or_default().to_string_lossy();
        archive.copy_program(&format!("fx/jobs/{name}"), job)?;
    }
    let mut bytes = fs::read(&image.initrd)?;
    bytes.extend(archive.finish()?);
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

fn write(archive: Archive, to: &Path) -> Result<()> {
    fs::write(to, archive.finish()?).with_context(|| format!("cannot write {}", to.display()))
}

/// An archive with busybox, an init program and modules.
fn base(root: &Root, init: &Path, names: &[&str]) -> Result<Archive> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder)?;
    }
    archive.symlink("sbin", "bin")?;
    archive.copy_program("init", init)?;
    archive.copy_program("bin/busybox", &root.folder.join("bin/busybox"))?;
    archive.symlink("bin/sh", "busybox")?;
    modules(root, &mut archive, names, "order")?;
    Ok(archive)
}

/// Adds modules and all that they need; the file `list` in `/modules` names them as they are to be loaded.
fn modules(root: &Root, archive: &mut Archive, names: &[&str], list: &str) -> Result<()> {
    let mut order = String::new();
    for path in load_order(root, names)? {
        let file = Path::new(&path).file_name().context("a module without a name")?.to_string_lossy();
        let name = file.split('.').next().unwrap_or_default();
        archive.file(&format!("modules/{name}.ko"), &uncompressed(&root.modules().join(&path))?)?;
        order.push_str(&format!("{name}.ko\n"));
    }
    archive.file(&format!("modules/{list}"), order.as_bytes())
}

/// Paths of the modules and of all that they need, each after what it needs; built-in ones are left out.
fn load_order(root: &Root, wanted: &[&str]) -> Result<Vec<String>> {
    let read =
        |file: &str| fs::read_to_string(root.modules().join(file)).with_context(|| format!("no {file}"));
    let (depends, builtin) = (read("modules.dep")?, read("modules.builtin")?);
    let mut order: Vec<String> = Vec::new();
    for name in wanted {
        let Some(line) =
            depends.lines().find(|line| module_name(line.split(':').next().unwrap_or("")) == *name)
        else {
            if builtin.lines().any(|path| module_name(path) == *name) {
                continue;
            }
            bail!("the kernel has no module {name}");
        };
        let (path, needs) = line.split_once(':').context("modules.dep")?;
        // depmod lists the needs of needs after the needs, so the last one loads first.
        for module in needs.split_whitespace().rev().chain([path]) {
            if !order.iter().any(|have| have == module) {
                order.push(module.to_owned());
            }
        }
    }
    Ok(order)
}

/// `kernel/fs/ext4/ext4.ko.xz` → `ext4`, with `-` and `_` as the file has them.
fn module_name(path: &str) -> &str {
    path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default()
}

/// A module's contents; Debian compresses them.
fn uncompressed(path: &Path) -> Result<Vec<u8>> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("xz") => proc::output_bytes(Command::new("xz").arg("-dc").arg(path)),
        Some("zst") => proc::output_bytes(Command::new("zstd").arg("-qdc").arg(path)),
        _ => fs::read(path).with_context(|| format!("cannot read {}", path.display())),
    }
}
