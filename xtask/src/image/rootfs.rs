//! Dom0's root file system: debootstrap's output, and the disk made from it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{paths, proc, report, setup};

/// Debian 13: Linux 6.12 and Xen 4.20.
const SUITE: &str = "trixie";

/// Packages of Dom0. The hypervisor package is the reference of `bench`; it does not run otherwise.
const PACKAGES: &[&str] = &[
    "xen-utils-4.20",
    "xenstore-utils",
    "qemu-system-xen",
    "ovmf",
    "memtest86+",
    "vncsnapshot",
    "linux-image-amd64",
    "xen-hypervisor-4.20-amd64",
    "initramfs-tools",
    "busybox-static",
    "bridge-utils",
    "ethtool",
    "iproute2",
    "iputils-ping",
    "kmod",
    "lvm2",
    "procps",
    "python3",
    "udev",
    "zstd",
];

/// Size of Dom0's disk in MiB.
const DISK_MIB: u32 = 2560;

/// An unpacked root file system.
pub struct Root {
    /// Its folder.
    pub folder: PathBuf,
    /// A file that changes when the root file system does.
    pub stamp: PathBuf,
    /// Version of its kernel.
    pub kernel_version: String,
}

impl Root {
    /// Folder of the kernel's modules.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("lib/modules").join(&self.kernel_version)
    }
}

/// Installs the root file system unless it is there already.
pub fn root() -> Result<Root> {
    let cache = paths::cache();
    let (folder, stamp) = (cache.join("rootfs"), cache.join("rootfs.stamp"));
    let want = format!("{SUITE} {}\n", PACKAGES.join(" "));
    if fs::read_to_string(&stamp).unwrap_or_default() != want {
        report::step("install Debian for Dom0 (debootstrap)", || debootstrap(&folder))?;
        fs::write(&stamp, want)?;
    }
    let versions = names(&folder.join("lib/modules"), "")?;
    let kernel_version = versions.into_iter().next_back().context("no kernel in Dom0's root file system")?;
    Ok(Root { folder, stamp, kernel_version })
}

fn debootstrap(folder: &Path) -> Result<()> {
    let fresh = folder.with_extension("new");
    proc::run(proc::as_root("rm").arg("-rf").arg(&fresh).arg(folder))?;
    let mut command = proc::as_root("env");
    command.args(setup::debootstrap_environment().iter().map(|(name, value)| format!("{name}={value}")));
    command.args(["debootstrap", "--variant=minbase"]);
    command.arg(format!("--keyring={}", setup::KEYRING));
    command.arg(format!("--include={}", PACKAGES.join(",")));
    command.arg(SUITE).arg(&fresh).args(setup::debootstrap_mirror());
    proc::run_logged("debootstrap", &mut command)?;
    proc::run(
        proc::as_root("sh")
            .args(["-c", "rm -rf \"$1\"/var/cache/apt/archives/*.deb \"$1\"/var/lib/apt/lists/*", "sh"])
            .arg(&fresh),
    )?;
    proc::run(proc::as_root("mv").arg(&fresh).arg(folder))
}

/// Makes Dom0's disk: ext4, filled without mounting it.
pub fn disk(root: &Root) -> Result<PathBuf> {
    let disk = paths::cache().join("dom0.img");
    let stamp = paths::cache().join("dom0.img.stamp");
    super::cached("Dom0's disk", &stamp, &[&root.stamp], || {
        let fresh = disk.with_extension("new");
        proc::run(proc::as_root("rm").arg("-f").arg(&fresh))?;
        let mut mkfs = proc::as_root("mkfs.ext4");
        mkfs.args(["-q", "-L", "dom0", "-O", "^has_journal", "-d"]).arg(&root.folder).arg(&fresh);
        proc::run_logged("mkfs", mkfs.arg(format!("{DISK_MIB}M")))?;
        proc::run(proc::as_root("mv").arg(&fresh).arg(&disk))
    })?;
    ensure!(disk.is_file(), "{} is gone; remove {}", disk.display(), stamp.display());
    Ok(disk)
}

/// Debian's kernel, copied to where any user may read it.
pub fn kernel(root: &Root) -> Result<PathBuf> {
    let from = root.folder.join("boot").join(format!("vmlinuz-{}", root.kernel_version));
    let to = paths::cache().join("vmlinuz");
    super::cached("kernel", &paths::cache().join("vmlinuz.stamp"), &[&root.stamp, &from], || {
        fs::copy(&from, &to).map(|_| ()).context("copying the kernel")
    })?;
    Ok(to)
}

/// Debian's Xen, uncompressed.
pub fn reference(root: &Root) -> Result<PathBuf> {
    let boot = root.folder.join("boot");
    let name =
        names(&boot, "xen-4")?.into_iter().rfind(|n| n.ends_with(".gz")).context("no Xen in Dom0's /boot")?;
    let from = boot.join(name);
    let to = paths::cache().join("reference-xen");
    super::cached("reference hypervisor", &paths::cache().join("reference-xen.stamp"), &[&from], || {
        let bytes = proc::output_bytes(std::process::Command::new("gzip").arg("-dc").arg(&from))?;
        fs::write(&to, bytes).context("writing the reference hypervisor")
    })?;
    Ok(to)
}

/// Sorted names in a folder that start with `prefix`.
fn names(folder: &Path, prefix: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    Ok(names)
}
