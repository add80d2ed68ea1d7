//! `hypfs_op`: a small tree of facts and settings.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use fx_types::{Errno, GuestVirtExt, Result};
use xen_abi::hypfs as h;
use xen_abi::hypfs::{HYPFS_DIRLISTENTRY_NAME_OFFSET, HypfsDirentry, HypfsDirlistentry};
use zerocopy::IntoBytes;

use super::param::Param;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::version::{CHANGESET, COMPILER, EXTRA, MADE, MAKER, VERSION};
use crate::hypercall::{Answer, Args};

/// An entry of the tree. No directory is empty.
enum Node {
    Dir(Vec<(String, Node)>),
    Text(&'static str),
    Number(u32),
    Param(Param, String),
}

/// Alignment of the entries in a directory's content.
const ALIGN: usize = 4;

fn dir<const N: usize>(children: [(&str, Node); N]) -> Node {
    Node::Dir(children.into_iter().map(|(name, node)| (String::from(name), node)).collect())
}

fn build_info() -> Node {
    dir([
        ("changeset", Node::Text(CHANGESET)),
        (
            "compileinfo",
            dir([
                ("compile_by", Node::Text(MAKER)),
                ("compile_date", Node::Text(MADE)),
                ("compile_domain", Node::Text(MAKER)),
                ("compiler", Node::Text(COMPILER)),
            ]),
        ),
        (
            "version",
            dir([
                ("extra", Node::Text(EXTRA)),
                ("major", Node::Number((VERSION >> 16) as u32)),
                ("minor", Node::Number((VERSION & 0xffff) as u32)),
            ]),
        ),
    ])
}

impl Node {
    fn kind(&self) -> u8 {
        match self {
            Self::Dir(_) => h::XEN_HYPFS_TYPE_DIR,
            Self::Text(_) | Self::Param(..) => h::XEN_HYPFS_TYPE_STRING,
            Self::Number(_) => h::XEN_HYPFS_TYPE_UINT,
        }
    }

    fn entry(&self) -> Result<HypfsDirentry> {
        Ok(HypfsDirentry {
            r#type: self.kind(),
            encoding: h::XEN_HYPFS_ENC_PLAIN,
            pad: 0,
            content_len: self.content()?.len() as u32,
            max_write_len: if matches!(self, Self::Param(..)) { Param::MAX_LEN as u32 } else { 0 },
        })
    }

    fn content(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::Dir(children) => {
                for (i, (name, node)) in (1usize..).zip(children) {
                    add_listed(&mut out, name, node, i == children.len())?;
                }
            }
            Self::Text(t) => add_text(&mut out, t)?,
            Self::Param(_, now) => add_text(&mut out, now)?,
            Self::Number(n) => append(&mut out, n.as_bytes())?,
        }
        Ok(out)
    }

    /// The entry at an absolute path.
    fn find(&self, path: &str) -> Result<&Self> {
        let mut at = self;
        for part in path.strip_prefix('/').ok_or(Errno::EINVAL)?.split('/').filter(|p| !p.is_empty()) {
            let Self::Dir(children) = at else { return Err(Errno::ENOENT) };
            at = children.iter().find(|(name, _)| *name == part).map(|(_, n)| n).ok_or(Errno::ENOENT)?;
        }
        Ok(at)
    }
}

fn append(out: &mut Vec<u8>, bytes: &[u8]) -> Result {
    out.try_reserve(bytes.len()).map_err(|_| Errno::ENOMEM)?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// A text with the zero behind it.
fn add_text(out: &mut Vec<u8>, text: &str) -> Result {
    append(out, text.as_bytes())?;
    append(out, &[0])
}

/// One entry of a directory's content: what it is, where the next one is, its name with a zero behind.
fn add_listed(out: &mut Vec<u8>, name: &str, node: &Node, last: bool) -> Result {
    let named = HYPFS_DIRLISTENTRY_NAME_OFFSET.saturating_add(name.len()).saturating_add(1);
    let len = named.next_multiple_of(ALIGN);
    let listed =
        HypfsDirlistentry { e: node.entry()?, off_next: if last { 0 } else { len as u16 }, _pad0: [0; 2] };
    append(out, listed.as_bytes().get(..HYPFS_DIRLISTENTRY_NAME_OFFSET).unwrap_or(&[]))?;
    append(out, name.as_bytes())?;
    for _ in HYPFS_DIRLISTENTRY_NAME_OFFSET.saturating_add(name.len())..len {
        append(out, &[0])?;
    }
    Ok(())
}

impl<H: Hw> Host<H> {
    /// The whole tree as it is now.
    fn hypfs_tree(&self) -> Node {
        let mut pools = Vec::new();
        let mut next = self.pools.lock().at_or_after(0);
        while let Some(id) = next {
            pools.push((format!("{id}"), dir([("sched-gran", Node::Text("cpu"))])));
            next = id.checked_add(1).and_then(|n| self.pools.lock().at_or_after(n));
        }
        let params = Param::ALL.iter().map(|p| (String::from(p.name()), Node::Param(*p, self.param(*p))));
        dir([
            ("buildinfo", build_info()),
            ("cpupool", Node::Dir(pools)),
            ("params", Node::Dir(params.collect())),
        ])
    }

    /// `hypfs_op(command, path, bytes of path, buffer, bytes of buffer)`.
    pub(crate) fn hypfs_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, path, path_len, buffer, room] = *args;
        self.may_manage(c)?;
        match command as u32 {
            h::XEN_HYPFS_OP_GET_VERSION if [path, path_len, buffer, room] == [0; 4] => {
                Ok(i64::from(h::XEN_HYPFS_VERSION))
            }
            h::XEN_HYPFS_OP_GET_VERSION => Err(Errno::EINVAL),
            h::XEN_HYPFS_OP_READ => {
                let mut text = [0; h::XEN_HYPFS_MAX_PATHLEN as usize];
                let path = self.hypfs_text(path, path_len, &mut text)?;
                self.hypfs_read(self.hypfs_tree().find(path)?, buffer, room)
            }
            h::XEN_HYPFS_OP_WRITE_CONTENTS => {
                let mut text = [0; h::XEN_HYPFS_MAX_PATHLEN as usize];
                let path = self.hypfs_text(path, path_len, &mut text)?;
                let Node::Param(param, _) = *self.hypfs_tree().find(path)? else { return Err(Errno::EACCES) };
                if room > Param::MAX_LEN as u64 {
                    return Err(Errno::ENOSPC);
                }
                let mut text = [0; Param::MAX_LEN];
                self.set_param(param, self.hypfs_text(buffer, room, &mut text)?).map(|()| 0)
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// A text of the caller's with a zero behind it.
    fn hypfs_text<'a>(&self, at: u64, len: u64, text: &'a mut [u8]) -> Result<&'a str> {
        let text = usize::try_from(len).ok().and_then(|n| text.get_mut(..n)).ok_or(Errno::EINVAL)?;
        self.hw.copy_in(at, text)?;
        let Some((0, text)) = text.split_last() else { return Err(Errno::EINVAL) };
        core::str::from_utf8(text).ok().filter(|t| !t.contains('\0')).ok_or(Errno::EINVAL)
    }

    fn hypfs_read(&self, node: &Node, buffer: u64, room: u64) -> Answer {
        let head = size_of::<HypfsDirentry>() as u64;
        if room < head {
            return Err(Errno::EINVAL);
        }
        self.hw.write_val(buffer, &node.entry()?)?;
        let content = node.content()?;
        if room.saturating_sub(head) < content.len() as u64 {
            return Err(Errno::ENOBUFS);
        }
        self.hw.copy_out(buffer.wrapping_add(head), &content)?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Node {
        dir([
            ("buildinfo", build_info()),
            ("params", dir([("loglvl", Node::Param(Param::LogLevel, "all".into()))])),
        ])
    }

    #[test]
    fn paths() {
        let tree = tree();
        assert!(matches!(tree.find("/"), Ok(Node::Dir(_))));
        assert!(matches!(tree.find("/buildinfo/version/minor"), Ok(Node::Number(20))));
        assert!(matches!(tree.find("/buildinfo/nothing"), Err(Errno::ENOENT)));
        assert!(matches!(tree.find("/buildinfo/changeset/more"), Err(Errno::ENOENT)));
        assert!(matches!(tree.find("buildinfo"), Err(Errno::EINVAL)));
        let writable = |path| tree.find(path).unwrap().entry().unwrap().max_write_len != 0;
        assert!(writable("/params/loglvl") && !writable("/buildinfo/changeset") && !writable("/params"));
    }

    #[test]
    fn a_directory_can_be_walked() {
        let tree = tree();
        let c = tree.find("/buildinfo/version").unwrap().content().unwrap();
        let (mut at, mut names) = (0, Vec::new());
        loop {
            let next = u16::from_le_bytes([c[at + 12], c[at + 13]]) as usize;
            let name = &c[at + HYPFS_DIRLISTENTRY_NAME_OFFSET..];
            let end = name.iter().position(|b| *b == 0).unwrap();
            names.push(String::from_utf8(name[..end].to_vec()).unwrap());
            if next == 0 {
                break;
            }
            at += next;
        }
        assert_eq!(names, ["extra", "major", "minor"]);
        assert_eq!(
            tree.find("/buildinfo/version/extra").unwrap().entry().unwrap().content_len as usize,
            EXTRA.len() + 1
        );
    }
}
