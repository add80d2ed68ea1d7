//! How the hypervisor gets into memory: by QEMU itself (multiboot 1, or the PVH entry), or by GRUB's `multiboot2` from a CD.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::{Machine, scratch};
use crate::build::elf32;
use crate::{proc, setup};

/// A way to load the hypervisor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Loader {
    /// QEMU's own multiboot 1 loader
    #[default]
    Multiboot,
    /// QEMU's own PVH loader: it takes one module only, so a test guest but not Debian
    Pvh,
    /// GRUB from a CD, on a BIOS
    Grub,
}

/// Modules of GRUB that its configuration needs; the CD gets no others.
const GRUB_MODULES: &str = "--install-modules=normal iso9660 multiboot2 serial terminal";
/// Where Debian keeps GRUB for a BIOS.
const GRUB_BIOS: &str = "/usr/lib/grub/i386-pc";

/// The arguments of QEMU that load a machine's hypervisor and modules.
pub fn arguments(machine: &Machine) -> Result<Vec<OsString>> {
    match machine.loader {
        Loader::Multiboot => Ok(direct(machine, &machine.hypervisor.0)),
        Loader::Pvh => {
            ensure!(machine.modules.len() <= 1, "QEMU's PVH loader passes one module only");
            let copy = scratch("free-xen.pvh")?;
            let file = fs::read(&machine.hypervisor.0).context("cannot read the hypervisor")?;
            fs::write(&copy, elf32::without_multiboot(&file)?)?;
            Ok(direct(machine, &copy))
        }
        Loader::Grub => {
            setup::grub()?;
            let cd = cd(machine)?;
            Ok(vec!["-boot".into(), "d".into(), "-cdrom".into(), cd.into()])
        }
    }
}

/// `-kernel` and what belongs to it.
fn direct(machine: &Machine, file: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["-kernel".into(), file.into(), "-append".into()];
    args.push((&machine.hypervisor.1).into());
    if !machine.modules.is_empty() {
        args.extend(["-initrd".into(), module_list(&machine.modules)]);
    }
    args
}

/// `FILE ARGS,FILE ARGS`, with commas in the arguments doubled as QEMU wants it.
fn module_list(modules: &[(PathBuf, String)]) -> OsString {
    let mut list = OsString::new();
    for (file, args) in modules {
        if !list.is_empty() {
            list.push(",");
        }
        list.push(file);
        if !args.is_empty() {
            list.push(format!(" {}", args.replace(',', ",,")));
        }
    }
    list
}

/// Makes a CD with GRUB, the hypervisor and its modules.
pub fn cd(machine: &Machine) -> Result<PathBuf> {
    let name = machine.log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (folder, cd) = (scratch(&format!("{name}.cd"))?, scratch(&format!("{name}.iso"))?);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("boot/grub"))?;
    fs::copy(&machine.hypervisor.0, folder.join("boot/free-xen"))?;
    for (n, (file, _)) in machine.modules.iter().enumerate() {
        fs::copy(file, folder.join(format!("boot/module{n}")))?;
    }
    fs::write(folder.join("boot/grub/grub.cfg"), configuration(machine))?;
    let mut command = Command::new("grub-mkrescue");
    command.arg("-d").arg(GRUB_BIOS).args([GRUB_MODULES, "--locales=", "--fonts=", "--themes=", "-o"]);
    proc::run_logged("grub-mkrescue", command.arg(&cd).arg(&folder))?;
    fs::remove_dir_all(&folder)?;
    Ok(cd)
}

/// GRUB's configuration: boots at once, and says on the serial line what is wrong if it cannot.
fn configuration(machine: &Machine) -> String {
    let mut text = format!(
        "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n\
         multiboot2 /boot/free-xen {}\n",
        machine.hypervisor.1
    );
    for (n, (_, args)) in machine.modules.iter().enumerate() {
        text.push_str(&format!("module2 /boot/module{n} {args}\n"));
    }
    text.push_str("boot\n");
    text
}
