//! How the hypervisor gets into memory: by QEMU itself (multiboot 1, or the PVH entry), or by GRUB's `multiboot2` from a CD, on
//! SeaBIOS or on OVMF (UEFI).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::cd::{self, Firmware};
use super::{Machine, scratch};
use crate::build::elf32;
use crate::setup;

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
    /// GRUB from a CD, on UEFI
    GrubUefi,
}

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
        Loader::Grub => Ok(boot_cd(cd::of_run(machine, Firmware::Bios)?)),
        Loader::GrubUefi => {
            let mut args = boot_cd(cd::of_run(machine, Firmware::Any)?);
            // The firmware's variables are written to a snapshot.
            let [code, variables] = setup::ovmf()?;
            for (file, mode) in [(code, "readonly=on"), (variables, "snapshot=on")] {
                args.extend(["-drive".into(), format!("if=pflash,format=raw,{mode},file={file}").into()]);
            }
            Ok(args)
        }
    }
}

fn boot_cd(cd: PathBuf) -> Vec<OsString> {
    vec!["-boot".into(), "d".into(), "-cdrom".into(), cd.into()]
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
