//! What firmware said at boot, and the symbol table.

use fx_types::{Errno, GuestVirtExt, Result};
use xen_abi::platform as p;
use xen_abi::platform::{
    PlatformOp, XenpfFirmwareInfo, XenpfFirmwareInfoEfiInfoCfg, XenpfFirmwareInfoEfiInfoMem,
    XenpfFirmwareInfoEfiInfoVendor, XenpfSymdata,
};

use crate::control::{Outcome, Reply};
use crate::firmware::{Efi, EfiMemory};
use crate::host::Host;
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// The BIOS is not asked for disks and monitors.
    pub(super) fn platform_firmware(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfFirmwareInfo = op.get();
        match a.r#type {
            p::XEN_FW_DISK_INFO | p::XEN_FW_DISK_MBR_SIGNATURE | p::XEN_FW_VBEDDC_INFO => Err(Errno::ESRCH),
            p::XEN_FW_EFI_INFO => {
                self.efi_info(self.firmware.efi.as_ref().ok_or(Errno::ENOSYS)?, &mut a)?;
                op.put(&a);
                Ok(Reply::Changed)
            }
            p::XEN_FW_KBD_SHIFT_FLAGS if a.index == 0 => {
                a.put(&0u8);
                op.put(&a);
                Ok(Reply::Changed)
            }
            p::XEN_FW_KBD_SHIFT_FLAGS => Err(Errno::ESRCH),
            _ => Err(Errno::EINVAL),
        }
    }

    /// EFI's runtime services are not in use, and option ROMs and properties of devices not looked for.
    fn efi_info(&self, efi: &Efi, a: &mut XenpfFirmwareInfo) -> Result {
        match a.index {
            p::XEN_FW_EFI_VERSION => a.put(&efi.version),
            p::XEN_FW_EFI_CONFIG_TABLE => {
                let (addr, nent) = efi.tables;
                a.put(&XenpfFirmwareInfoEfiInfoCfg { addr, nent, ..Default::default() });
            }
            p::XEN_FW_EFI_VENDOR => {
                let mut v: XenpfFirmwareInfoEfiInfoVendor = a.get();
                let (name, revision) = &efi.vendor;
                // Characters of two bytes, with room for the zero behind them.
                let room = (v.bufsz as usize / 2).checked_sub(1).ok_or(Errno::EINVAL)?;
                let kept = name.get(..room).unwrap_or(name);
                for (i, c) in (0u64..).zip(kept.iter().chain(&[0])) {
                    self.hw.write_at(v.name.0, i, c)?;
                }
                v.revision = *revision;
                a.put(&v);
            }
            p::XEN_FW_EFI_MEM_INFO => {
                let mut m: XenpfFirmwareInfoEfiInfoMem = a.get();
                let inside = |r: &&EfiMemory| m.addr.checked_sub(r.start).is_some_and(|at| at < r.len);
                let r = efi.map.iter().find(inside).ok_or(Errno::EINVAL)?;
                let left = r.len.saturating_sub(m.addr.wrapping_sub(r.start));
                (m.size, m.attr, m.r#type) = (m.size.min(left), r.attributes, r.kind);
                a.put(&m);
            }
            p::XEN_FW_EFI_RT_VERSION => return Err(Errno::EOPNOTSUPP),
            p::XEN_FW_EFI_PCI_ROM | p::XEN_FW_EFI_APPLE_PROPERTIES => return Err(Errno::ENOENT),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// The table is empty: the next symbol is the one asked for, which means the end.
    pub(super) fn platform_symbol(op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfSymdata = op.get();
        (a.namelen, a.address, a.r#type) = (0, 0, 0);
        op.put(&a);
        Ok(Reply::Changed)
    }
}
