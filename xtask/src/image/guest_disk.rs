//! The disk of the HVM guests: a GPT with GRUB for a BIOS (in the first sector and a partition of its own) and for EFI (in the
//! EFI system partition, which also holds GRUB's configuration, Debian's kernel and the guests' initramfs), and a partition
//! that guests may write to.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{paths, proc};

/// Where GRUB's parts come from.
const GRUB: &str = "/usr/lib/grub";
/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Sectors of a mebibyte.
const MIB: u64 = 2048;
/// Partitions: first sector, sectors, type as sfdisk has it. The guests' own is last.
const PARTITIONS: [(u64, u64, &str); 3] = [
    (MIB, MIB, "21686148-6449-6E6F-744E-656564454649"),
    (2 * MIB, 40 * MIB, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"),
    (42 * MIB, 40 * MIB, "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
];
/// Size of the disk, with room for the table's copy at its end.
const SECTORS: u64 = 83 * MIB;
/// What GRUB has built in; it loads no modules.
const MODULES: &[&str] =
    &["part_gpt", "fat", "normal", "linux", "serial", "terminal", "echo", "test", "configfile"];
/// In GRUB's first sector: the sector where it goes on. See `boot/i386/pc/boot.S` of GRUB.
const NEXT_SECTOR: usize = 0x5c;
/// In the second: the sector of the third. The number of sectors stands behind it already.
const REST_SECTOR: usize = 0x1f4;
/// Bytes of the first sector that are code; the partition table of the BIOS follows.
const CODE: usize = 440;

/// Makes the disk, with a kernel and two archives that the kernel joins.
pub fn make(kernel: &Path, initrds: [&Path; 2], to: &Path) -> Result<()> {
    let disk = Disk { file: to.with_extension("new") };
    let file = File::create(&disk.file)?;
    file.set_len(SECTORS * SECTOR)?;
    disk.partition()?;
    disk.grub_for_bios(&file)?;
    disk.system_partition(kernel, initrds)?;
    fs::rename(&disk.file, to).context("naming the guests' disk")
}

/// A disk in the making.
struct Disk {
    file: PathBuf,
}

impl Disk {
    fn partition(&self) -> Result<()> {
        let mut script = String::from("label: gpt\n");
        for (start, size, kind) in PARTITIONS {
            script.push_str(&format!("start={start}, size={size}, type={kind}\n"));
        }
        let mut sfdisk =
            Command::new("/usr/sbin/sfdisk").arg("--quiet").arg(&self.file).stdin(Stdio::piped()).spawn()?;
        sfdisk.stdin.take().context("sfdisk takes no input")?.write_all(script.as_bytes())?;
        ensure!(sfdisk.wait()?.success(), "sfdisk failed");
        Ok(())
    }

    /// What `grub-install` does for a BIOS: GRUB's core goes into the first partition, and its first sector is told where.
    fn grub_for_bios(&self, file: &File) -> Result<()> {
        let core_at = PARTITIONS[0].0;
        let mut first = fs::read(format!("{GRUB}/i386-pc/boot.img")).context("GRUB's boot.img")?;
        put(&mut first, NEXT_SECTOR, core_at)?;
        let core_file = self.file.with_extension("core");
        mkimage("i386-pc", "(hd0,gpt2)/grub", &["biosdisk"], &core_file)?;
        let mut core = fs::read(&core_file)?;
        put(&mut core, REST_SECTOR, core_at + 1)?;
        file.write_all_at(first.get(..CODE).context("GRUB's boot.img is short")?, 0)?;
        file.write_all_at(&core, core_at * SECTOR)?;
        Ok(fs::remove_file(core_file)?)
    }

    /// The partition that GRUB reads, whoever started it. Made by mtools, which mount nothing.
    fn system_partition(&self, kernel: &Path, initrds: [&Path; 2]) -> Result<()> {
        let (start, size, _) = PARTITIONS[1];
        let place = format!("{}@@{}", self.file.display(), start * SECTOR);
        let mtool = |name: &str, args: &[&str]| {
            proc::run_logged(name, Command::new(name).args(["-i", &place]).args(args))
        };
        mtool("mformat", &["-T", &size.to_string(), "::"])?;
        mtool("mmd", &["::/EFI", "::/EFI/BOOT", "::/grub"])?;
        let efi = self.file.with_extension("efi");
        mkimage("x86_64-efi", "/grub", &["efi_gop"], &efi)?;
        let configuration = paths::image_sources().join("guest/grub.cfg");
        for (from, to) in [
            (kernel, "::/vmlinuz"),
            (initrds[0], "::/guest.cpio"),
            (initrds[1], "::/emulated.cpio"),
            (&configuration, "::/grub/grub.cfg"),
            (&efi, "::/EFI/BOOT/BOOTX64.EFI"),
        ] {
            mtool("mcopy", &[&from.to_string_lossy(), to])?;
        }
        Ok(fs::remove_file(efi)?)
    }
}

/// Makes GRUB's core for a platform; it looks for its configuration at `prefix`.
fn mkimage(platform: &str, prefix: &str, modules: &[&str], to: &Path) -> Result<()> {
    let mut command = Command::new("grub-mkimage");
    command.args(["-O", platform, "-d", &format!("{GRUB}/{platform}"), "-p", prefix, "-o"]).arg(to);
    proc::run_logged("grub-mkimage", command.args(MODULES).args(modules))
}

/// Writes a sector's number into a sector.
fn put(bytes: &mut [u8], at: usize, sector: u64) -> Result<()> {
    let field = bytes.get_mut(at..at + 8).context("a part of GRUB is short")?;
    field.copy_from_slice(&sector.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_each_other_and_leave_room_for_both_tables() {
        assert!(PARTITIONS[0].0 >= 34);
        for pair in PARTITIONS.windows(2) {
            assert_eq!(pair[0].0 + pair[0].1, pair[1].0);
        }
        assert!(PARTITIONS[2].0 + PARTITIONS[2].1 + 33 <= SECTORS);
    }

    #[test]
    fn a_sector_is_put_where_it_belongs() {
        let mut bytes = [0xff; 16];
        put(&mut bytes, 4, 0x0102_0304).unwrap();
        assert_eq!(bytes[3..13], [0xff, 4, 3, 2, 1, 0, 0, 0, 0, 0xff]);
        assert!(put(&mut bytes, 9, 1).is_err());
    }
}
