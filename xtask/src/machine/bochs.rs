//! Bochs: the emulator whose processor has Intel's virtualisation. The machine starts from a CD with GRUB.
//!
//! Debian's Bochs is built with its debugger, which waits for a command at the start and after each triple fault, also a
//! guest's: its input is a long row of `c` (continue).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{End, Machine, cd, scratch};
use crate::setup;

/// The processor: VMX with EPT, VPID, unrestricted guests and pause-loop exiting.
const CPU: &str = "corei7_skylake_x";
/// Instructions in a second of the machine's time, which goes by instructions alone.
const SPEED: u64 = 50_000_000;
/// What Bochs says when the machine switches itself off.
const POWER_OFF: &str = "ACPI control: soft power off";
/// The disk's heads, sectors a track, and so bytes a cylinder: images are multiples of it.
const GEOMETRY: (u64, u64) = (16, 32);
/// Enough for any test.
const CONTINUES: usize = 1000;

/// Files of a run.
struct Files {
    configuration: PathBuf,
    output: PathBuf,
    log: PathBuf,
    input: PathBuf,
    cd: PathBuf,
    changes: PathBuf,
}

fn files(machine: &Machine) -> Result<Files> {
    let name = machine.log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = |kind: &str| scratch(&format!("{name}.{kind}"));
    Ok(Files {
        configuration: file("bochsrc")?,
        output: file("bochs-output")?,
        log: file("bochs-log")?,
        input: file("bochs-input")?,
        cd: file("iso")?,
        changes: file("bochs-changes")?,
    })
}

/// The command that runs the machine; its standard output is the console.
pub fn command(machine: &Machine) -> Result<Command> {
    setup::bochs()?;
    let files = files(machine)?;
    cd::of_run(machine, cd::Firmware::Bios)?;
    fs::write(&files.input, "c\n".repeat(CONTINUES))?;
    fs::write(&files.configuration, configuration(machine, &files) + &disk(machine, &files)?)?;
    // The console is Bochs' descriptor 3, which is ours; what Bochs itself has to say goes to a file.
    // setpriv: Bochs dies when we do.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "sh", "-c", r#"exec bochs -q -f "$0" <"$1" 3>&1 >"$2" 2>&1"#]);
    command.args([&files.configuration, &files.input, &files.output]);
    Ok(command)
}

/// The display has text and VGA's modes only: GRUB, which the hypervisor asks for the best mode there is, crashes in those of VBE.
fn configuration(machine: &Machine, files: &Files) -> String {
    format!(
        "config_interface: textconfig\n\
         display_library: rfb, options=\"timeout=0\"\n\
         cpu: model={CPU}, count={}, ips={SPEED}, reset_on_triple_fault=0\n\
         memory: guest={memory}, host={memory}\n\
         romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot\n\
         vgaromimage: file=/usr/share/vgabios/vgabios.bin\n\
         vga: extension=none\n\
         pci: enabled=1, chipset=i440fx\n\
         ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n\
         ata0-master: type=cdrom, path=\"{}\", status=inserted\n\
         boot: cdrom\n\
         clock: sync=none, time0=utc\n\
         com1: enabled=1, mode=file, dev=/dev/fd/3\n\
         log: \"{}\"\n\
         panic: action=fatal\n\
         error: action=report\n\
         info: action=report\n",
        machine.smp,
        files.cd.display(),
        files.log.display(),
        memory = machine.memory,
    )
}

/// Dom0's disk beside the CD; what is written to it goes to a file that Bochs throws away.
fn disk(machine: &Machine, files: &Files) -> Result<String> {
    let Some((_, image)) = &machine.disk else {
        return Ok(String::new());
    };
    let (heads, sectors) = GEOMETRY;
    let cylinder = heads * sectors * 512;
    let size = fs::metadata(image).with_context(|| format!("no disk {}", image.display()))?.len();
    ensure!(
        size.is_multiple_of(cylinder),
        "Bochs' disks are whole cylinders of {cylinder} bytes: {}",
        image.display()
    );
    Ok(format!(
        "ata0-slave: type=disk, mode=volatile, path=\"{}\", journal=\"{}\", cylinders={}, heads={heads}, spt={sectors}\n",
        image.display(),
        files.changes.display(),
        size / cylinder,
    ))
}

/// How the machine ended, after Bochs has.
pub fn end(machine: &Machine) -> Result<End> {
    let said = fs::read_to_string(files(machine)?.output).unwrap_or_default();
    if said.contains(POWER_OFF) {
        return Ok(End::PowerOff);
    }
    let last = said.lines().rfind(|line| line.starts_with('[')).unwrap_or("it said nothing");
    Ok(End::Stopped(format!("Bochs ended: {last}")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::machine::guest;

    #[test]
    fn the_configuration_names_the_machine() {
        let mut machine = guest::machine(Path::new("xen"), Path::new("guest"), 2, "two.log".into());
        machine.memory = 700;
        let text = configuration(&machine, &files(&machine).unwrap());
        assert!(text.contains("count=2,") && text.contains("guest=700,") && text.contains("two.iso\""));
    }
}
