//! `xen_version`.

use fx_types::{Errno, GuestVirt, GuestVirtExt};
use xen_abi::features as f;
use xen_abi::version as v;
use zerocopy::IntoBytes;

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The interface version that tools of Xen 4.20 look for, major and minor.
pub(crate) const VERSION: i64 = (4 << 16) | 20;
pub(crate) const EXTRA: &str = ".0-free-xen";
/// What made the hypervisor, who, and when.
pub(crate) const COMPILER: &str = "rustc 1.95";
pub(crate) const MAKER: &str = "free-xen";
pub(crate) const MADE: &str = "reproducible";
const CAPABILITIES: &str = "xen-3.0-x86_64 ";
const CAPABILITIES_HVM: &str = "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";
pub(crate) const CHANGESET: &str = concat!("free-xen ", env!("CARGO_PKG_VERSION"));
const VIRT_START: u64 = fx_types::HYP_VIRT_START;

/// Text in a field of `N` bytes, ended by zeroes.
fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut b = [0; N];
    for (d, s) in b.iter_mut().zip(text.bytes().take(N.saturating_sub(1))) {
        *d = s;
    }
    b
}

impl<H: Hw> Host<H> {
    /// `xen_version(command, argument)`.
    pub(crate) fn xen_version(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        let open = c.d.privileged;
        let shown = |text: &'static str| if open { text } else { "<denied>" };
        match command as u32 {
            v::XENVER_VERSION => Ok(VERSION),
            v::XENVER_EXTRAVERSION => self.text::<16>(c, arg, EXTRA),
            v::XENVER_COMPILE_INFO => {
                let info = v::CompileInfo {
                    compiler: field(shown(COMPILER)),
                    compile_by: field(shown(MAKER)),
                    compile_domain: field(shown(MAKER)),
                    compile_date: field(shown(MADE)),
                };
                self.guest(c).write_val(arg, &info).map(|()| 0)
            }
            v::XENVER_CAPABILITIES => self.text::<1024>(c, arg, self.capabilities()),
            v::XENVER_CHANGESET => self.text::<64>(c, arg, shown(CHANGESET)),
            v::XENVER_PLATFORM_PARAMETERS => self.guest(c).write_val(arg, &VIRT_START).map(|()| 0),
            v::XENVER_GET_FEATURES => {
                let mut info: v::FeatureInfo = self.guest(c).read_val(arg)?;
                info.submap = if info.submap_idx == 0 { features(c) } else { 0 };
                if info.submap_idx >= f::XENFEAT_NR_SUBMAPS {
                    return Err(Errno::EINVAL);
                }
                self.guest(c).write_val(arg, &info).map(|()| 0)
            }
            v::XENVER_PAGESIZE => Ok(4096),
            v::XENVER_GUEST_HANDLE => {
                let handle = *c.d.handle.lock();
                self.guest(c).write_val(arg, &handle).map(|()| 0)
            }
            v::XENVER_COMMANDLINE if open => {
                let line = &self.settings.cmdline;
                self.text::<1024>(c, arg, line)
            }
            v::XENVER_COMMANDLINE => self.text::<1024>(c, arg, "<denied>"),
            v::XENVER_BUILD_ID => Err(Errno::ENODATA),
            v::XENVER_EXTRAVERSION2 => self.varbuf(c, arg, EXTRA),
            v::XENVER_CAPABILITIES2 => self.varbuf(c, arg, self.capabilities()),
            v::XENVER_CHANGESET2 => self.varbuf(c, arg, shown(CHANGESET)),
            v::XENVER_COMMANDLINE2 if open => self.varbuf(c, arg, &self.settings.cmdline),
            v::XENVER_COMMANDLINE2 => self.varbuf(c, arg, "<denied>"),
            _ => Err(Errno::ENOSYS),
        }
    }

    /// The kinds of guests that there can be.
    fn capabilities(&self) -> &'static str {
        if self.hw.virt().is_some() { CAPABILITIES_HVM } else { CAPABILITIES }
    }

    fn text<const N: usize>(&self, c: &VcpuRef, arg: u64, text: &str) -> Answer {
        self.guest(c).copy_out(arg, &field::<N>(text))?;
        Ok(0)
    }

    /// A text of any length: a 32-bit length that says how much room there is, then the text. A null argument asks for the
    /// length alone.
    fn varbuf(&self, c: &VcpuRef, arg: u64, text: &str) -> Answer {
        if arg != 0 {
            let room: u32 = self.guest(c).read_val(arg)?;
            if (room as usize) < text.len() {
                return Err(Errno::ENOBUFS);
            }
            self.guest(c).copy_out(arg.wrapping_add(4), text.as_bytes().as_bytes())?;
        }
        Ok(text.len() as i64)
    }
}

/// What an HVM or PVH guest finds.
fn hvm_features() -> u32 {
    (1 << f::XENFEAT_WRITABLE_PAGE_TABLES)
        | (1 << f::XENFEAT_AUTO_TRANSLATED_PHYSMAP)
        | (1 << f::XENFEAT_MEMORY_OP_VNODE_SUPPORTED)
        | (1 << f::XENFEAT_HVM_CALLBACK_VECTOR)
        | (1 << f::XENFEAT_HVM_SAFE_PVCLOCK)
        | (1 << f::XENFEAT_NOT_DIRECT_MAPPED)
        | (1 << f::XENFEAT_RUNSTATE_PHYS_AREA)
        | (1 << f::XENFEAT_VCPU_TIME_PHYS_AREA)
        | (1 << f::XENFEAT_DM_MSIX_ALL_WRITES)
}

fn features(c: &VcpuRef) -> u32 {
    if c.d.hvm.is_some() {
        return hvm_features();
    }
    let mut bits = (1 << f::XENFEAT_MEMORY_OP_VNODE_SUPPORTED)
        | (1 << f::XENFEAT_MMU_PT_UPDATE_PRESERVE_AD)
        | (1 << f::XENFEAT_HIGHMEM_ASSIST)
        | (1 << f::XENFEAT_GNTTAB_MAP_AVAIL_BITS)
        | (1 << f::XENFEAT_DIRECT_MAPPED)
        | (1 << f::XENFEAT_RUNSTATE_PHYS_AREA)
        | (1 << f::XENFEAT_VCPU_TIME_PHYS_AREA)
        | (1 << f::XENFEAT_DM_MSIX_ALL_WRITES);
    if c.d.hardware {
        bits |= 1 << f::XENFEAT_DOM0;
    }
    bits
}
