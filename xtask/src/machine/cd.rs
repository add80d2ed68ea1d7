//! A CD with GRUB, the hypervisor and its modules. It starts on a BIOS, and on UEFI if it is made for that too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Machine, scratch};
use crate::{proc, setup};

/// Modules of GRUB that the configuration needs; on a BIOS the CD gets no others.
const BIOS_MODULES: &str = "--install-modules=normal iso9660 multiboot2 serial terminal test";
/// Where Debian keeps GRUB for a BIOS.
const BIOS: &str = "/usr/lib/grub/i386-pc";

/// What firmware a CD is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI, and a BIOS as well.
    Any,
}

/// Makes the CD of a machine as a scratch file of its run.
pub fn of_run(machine: &Machine, firmware: Firmware) -> Result<PathBuf> {
    let name = machine.log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let cd = scratch(&format!("{name}.iso"))?;
    make(machine, firmware, 0, &cd)?;
    Ok(cd)
}

/// Makes a CD that boots what the machine boots, after so many seconds of a menu.
pub fn make(machine: &Machine, firmware: Firmware, menu: u32, cd: &Path) -> Result<()> {
    setup::grub()?;
    if firmware == Firmware::Any {
        setup::grub_efi()?;
    }
    let folder = cd.with_extension("cd");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("boot/grub"))?;
    fs::copy(&machine.hypervisor.0, folder.join("boot/free-xen"))?;
    for (n, (file, _)) in machine.modules.iter().enumerate() {
        fs::copy(file, folder.join(format!("boot/module{n}")))?;
    }
    fs::write(folder.join("boot/grub/grub.cfg"), configuration(machine, menu))?;
    let mut command = Command::new("grub-mkrescue");
    command.args(["--locales=", "--fonts=", "--themes="]);
    if firmware == Firmware::Bios {
        command.args(["-d", BIOS, BIOS_MODULES]);
    }
    proc::run_logged("grub-mkrescue", command.arg("-o").arg(cd).arg(&folder))?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// GRUB's configuration. It says on the serial line what is wrong if it cannot boot. On UEFI it looks for a display, which the
/// hypervisor passes on to Dom0.
fn configuration(machine: &Machine, menu: u32) -> String {
    let mut text = format!(
        "serial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\n\
         if [ \"$grub_platform\" = efi ]; then insmod all_video; fi\nset timeout={menu}\n\
         menuentry \"free-xen\" {{\nmultiboot2 /boot/free-xen {}\n",
        machine.hypervisor.1
    );
    for (n, (_, args)) in machine.modules.iter().enumerate() {
        text.push_str(&format!("module2 /boot/module{n} {args}\n"));
    }
    text.push_str("}\n");
    text
}
