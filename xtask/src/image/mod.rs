//! `image`: everything that the machine runs beside the hypervisor, made once and kept in the cache.
//!
//! The disk is Debian as debootstrap installs it, nothing added. Our own files (init scripts, jobs, tools) travel in
//! the initrd, so that a change in them costs no new disk.

pub mod cpio;
mod guest_disk;
mod initrd;
mod rootfs;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub use initrd::{need_guests, with_jobs};

use crate::{paths, proc, report, setup};

/// The parts of a bootable Debian Dom0.
pub struct Image {
    /// Dom0's root file system (raw ext4, opened read-only or as a snapshot).
    pub disk: PathBuf,
    /// Debian's kernel, for Dom0 and for the guests.
    pub kernel: PathBuf,
    /// The initrd without jobs; see [`with_jobs`].
    pub initrd: PathBuf,
    /// The guests' initramfs.
    pub guest_initrd: PathBuf,
    /// Drivers of emulated devices, for guests that have such.
    emulated: PathBuf,
    /// Our small static program, for Dom0.
    pub tool: PathBuf,
    /// Debian's Xen, the reference of `bench`.
    pub reference: PathBuf,
}

/// Makes what is missing or out of date.
pub fn image() -> Result<Image> {
    setup::packages()?;
    let cache = paths::cache();
    fs::create_dir_all(&cache)?;
    let root = rootfs::root()?;
    let image = Image {
        disk: rootfs::disk(&root)?,
        kernel: rootfs::kernel(&root)?,
        reference: rootfs::reference(&root)?,
        tool: tool(&cache)?,
        initrd: cache.join("initrd.cpio"),
        guest_initrd: cache.join("guest.cpio"),
        emulated: cache.join("emulated.cpio"),
    };
    let sources = paths::image_sources();
    let modules = paths::root().join("xtask/src/image/initrd.rs");
    let inputs =
        [&root.stamp, &sources.join("initrd/init"), &sources.join("guest/init"), &image.tool, &modules];
    cached("initrds", &cache.join("initrds.stamp"), &inputs, || {
        initrd::dom0(&root, &image.initrd)?;
        initrd::guest(&root, &image.tool, &image.guest_initrd)?;
        initrd::emulated(&root, &image.emulated)
    })?;
    Ok(image)
}

impl Image {
    /// The disk that HVM guests start from; made when it is asked for, because it needs more of Debian's packages.
    pub fn guest_disk(&self) -> Result<PathBuf> {
        setup::guest_disk()?;
        let disk = paths::cache().join("guest.img");
        let configuration = paths::image_sources().join("guest/grub.cfg");
        let maker = paths::root().join("xtask/src/image/guest_disk.rs");
        let inputs = [&self.kernel, &self.guest_initrd, &self.emulated, &configuration, &maker];
        cached("the guests' disk", &paths::cache().join("guest.img.stamp"), &inputs, || {
            guest_disk::make(&self.kernel, [&self.guest_initrd, &self.emulated], &disk)
        })?;
        Ok(disk)
    }
}

/// Whether a job says in its first lines that it needs the guests' disk.
pub fn needs_guest_disk(job: &str) -> Result<bool> {
    let file = paths::image_sources().join(format!("jobs/{job}.sh"));
    let text = fs::read_to_string(&file).with_context(|| format!("no job {job}: {}", file.display()))?;
    Ok(text.lines().take_while(|line| line.starts_with('#')).any(|line| line == "# Needs: guest-disk"))
}

/// Compiles the small static program that measures inside Dom0 and the guests.
fn tool(cache: &Path) -> Result<PathBuf> {
    let source = paths::image_sources().join("tools/fxtool.c");
    let program = cache.join("fxtool");
    cached("fxtool", &cache.join("fxtool.stamp"), &[&source], || {
        let mut gcc = Command::new("gcc");
        proc::run(gcc.args(["-O2", "-static", "-Wall", "-Werror", "-o"]).arg(&program).arg(&source))
    })?;
    Ok(program)
}

/// Runs `make` unless `stamp` holds the hash of `inputs`.
fn cached(name: &str, stamp: &Path, inputs: &[&PathBuf], make: impl FnOnce() -> Result<()>) -> Result<()> {
    let want = hash(inputs)?;
    if fs::read_to_string(stamp).is_ok_and(|have| have == want) {
        return Ok(());
    }
    report::step(&format!("make {name}"), make)?;
    fs::write(stamp, want)?;
    Ok(())
}

/// A hash of the contents of files and of the way that images are made.
pub fn hash(files: &[&PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    for file in files {
        fs::read(file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Counts up when the way of making images changes, so that older caches are not used.
const FORMAT: u32 = 1;
