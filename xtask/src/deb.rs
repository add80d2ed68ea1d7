//! `deb`: a Debian package with the hypervisor and its entries in GRUB's menu.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{build, paths, proc, report};

/// The package's name.
const NAME: &str = "free-xen";
/// The version of all crates.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the files of `packaging/` go, and their modes.
const FILES: &[(&str, &str, u32)] = &[
    ("packaging/21_free_xen", "etc/grub.d/21_free_xen", 0o755),
    ("packaging/free-xen.cfg", "etc/default/grub.d/free-xen.cfg", 0o644),
    ("packaging/postinst", "DEBIAN/postinst", 0o755),
    ("packaging/postrm", "DEBIAN/postrm", 0o755),
    ("docs/install.md", "usr/share/doc/free-xen/install.md", 0o644),
    ("CAVEATS.md", "usr/share/doc/free-xen/CAVEATS.md", 0o644),
    ("LICENSE", "usr/share/doc/free-xen/copyright", 0o644),
];

/// Makes the package in `target/dist`.
pub fn deb() -> Result<()> {
    report::elapsed();
    let hypervisor = build::hypervisor()?;
    let file = paths::dist().join(format!("{NAME}_{VERSION}_amd64.deb"));
    report::step("make the Debian package", || package(&hypervisor, &file))?;
    report::say(format_args!("  {}", file.display()));
    Ok(())
}

fn package(hypervisor: &Path, file: &Path) -> Result<()> {
    let root = file.with_extension("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for (from, to, mode) in FILES {
        put(&root, to, &fs::read(paths::root().join(from)).with_context(|| format!("no {from}"))?, *mode)?;
    }
    let image = proc::output_bytes(Command::new("gzip").args(["-9", "-n", "-c"]).arg(hypervisor))?;
    put(&root, &format!("boot/{NAME}-{VERSION}.gz"), &image, 0o644)?;
    put(&root, "DEBIAN/control", control().as_bytes(), 0o644)?;
    let configuration = FILES.iter().filter(|(_, to, _)| to.starts_with("etc/"));
    let list: String = configuration.map(|(_, to, _)| format!("/{to}\n")).collect();
    put(&root, "DEBIAN/conffiles", list.as_bytes(), 0o644)?;
    proc::run_logged(
        "dpkg-deb",
        Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&root).arg(file),
    )?;
    fs::remove_dir_all(&root)?;
    Ok(())
}

/// Writes a file of the package; folders are made, for all to read.
fn put(root: &Path, to: &str, contents: &[u8], mode: u32) -> Result<()> {
    let path: PathBuf = root.join(to);
    let folder = path.parent().context("a file of the package is in a folder")?;
    fs::create_dir_all(folder)?;
    for folder in folder.ancestors().take_while(|f| f.starts_with(root)) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(&path, contents)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

fn control() -> String {
    format!(
        "Package: {NAME}\n\
         Version: {VERSION}\n\
         Architecture: amd64\n\
         Section: kernel\n\
         Priority: optional\n\
         Maintainer: the free-xen project <free-xen@localhost>\n\
         Depends: grub-common\n\
         Recommends: xen-utils-4.20, linux-image-amd64\n\
         Description: hypervisor with Xen 4.20's interface, written in Rust\n \
         An entry of GRUB's menu boots it in place of Xen, with Debian's kernel as\n \
         Dom0; Debian's xl then makes guests. Debian's own Xen may stay beside it.\n"
    )
}
