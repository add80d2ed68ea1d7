//! Writes initramfs archives: cpio's "newc" format, see the kernel's `early-userspace/buffer-format.rst`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const SYMLINK: u32 = 0o120_777;

/// An archive being written. Names are relative and in order: a folder before what is in it.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

impl Archive {
    /// Adds a folder.
    pub fn folder(&mut self, name: &str) -> Result<()> {
        self.entry(name, DIRECTORY, &[])
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, data: &[u8]) -> Result<()> {
        self.entry(name, FILE, data)
    }

    /// Adds an executable file.
    pub fn program(&mut self, name: &str, data: &[u8]) -> Result<()> {
        self.entry(name, PROGRAM, data)
    }

    /// Adds an executable file with the contents of `from`.
    pub fn copy_program(&mut self, name: &str, from: &Path) -> Result<()> {
        let data = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.program(name, &data)
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, name: &str, to: &str) -> Result<()> {
        self.entry(name, SYMLINK, to.as_bytes())
    }

    /// Ends the archive. Archives may be joined, one after the other.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> Result<()> {
        self.inode += 1;
        let size = u32::try_from(data.len()).context("too large for a cpio archive")?;
        let name_size = u32::try_from(name.len() + 1)?;
        self.bytes.extend_from_slice(b"070701");
        // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        for field in [self.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0] {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_padded_and_ended() {
        let mut archive = Archive::default();
        archive.folder("a").unwrap();
        archive.file("a/b", b"hello").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..14], b"07070100000001");
        // The folder's header and name take 110 + 2 bytes, a multiple of four.
        assert_eq!(&bytes[112..118], b"070701");
        // The file's header and name take 110 + 4 bytes and two of padding.
        assert_eq!(&bytes[112 + 116..112 + 121], b"hello");
        assert!(bytes.windows(11).any(|w| w == b"TRAILER!!!\0"));
    }
}
