//! What firmware said at boot, and the symbol table.

use fx_types::Errno;
use xen_abi::platform as p;
use xen_abi::platform::{PlatformOp, XenpfFirmwareInfo, XenpfSymdata};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// The BIOS is not asked for disks and monitors, and EFI's services are not kept.
    pub(super) fn platform_firmware(op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfFirmwareInfo = op.get();
        match a.r#type {
            p::XEN_FW_DISK_INFO | p::XEN_FW_DISK_MBR_SIGNATURE | p::XEN_FW_VBEDDC_INFO => Err(Errno::ESRCH),
            p::XEN_FW_EFI_INFO => Err(Errno::ENOSYS),
            p::XEN_FW_KBD_SHIFT_FLAGS if a.index == 0 => {
                a.put(&0u8);
                op.put(&a);
                Ok(Reply::Changed)
            }
            p::XEN_FW_KBD_SHIFT_FLAGS => Err(Errno::ESRCH),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The table is empty: the next symbol is the one asked for, which means the end.
    pub(super) fn platform_symbol(op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfSymdata = op.get();
        (a.namelen, a.address, a.r#type) = (0, 0, 0);
        op.put(&a);
        Ok(Reply::Changed)
    }
}
