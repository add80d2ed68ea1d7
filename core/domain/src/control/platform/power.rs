//! Sleep states, and what ACPI says of processors.

use fx_types::Errno;
use xen_abi::platform as p;
use xen_abi::platform::{PlatformOp, XenpfCoreParking, XenpfEnterAcpiSleep, XenpfSetProcessorPminfo};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::{Hw, MachineEnd};

/// The sleep state that is off.
const S5: u32 = 5;

impl<H: Hw> Host<H> {
    /// Only switching off; the values for it are known from the firmware's tables.
    pub(super) fn platform_sleep(&self, op: &PlatformOp) -> Outcome {
        let a: XenpfEnterAcpiSleep = op.get();
        if a.sleep_state != S5 || a.flags & !p::XENPF_ACPI_SLEEP_EXTENDED != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        self.log(format_args!("Dom0 switches the machine off."));
        self.hw.end_machine(MachineEnd::PowerOff)
    }

    /// Idle states and frequencies are not driven: what Dom0 knows of them is taken note of and not used.
    pub(super) fn platform_processor(op: &PlatformOp) -> Outcome {
        let a: XenpfSetProcessorPminfo = op.get();
        match a.r#type {
            p::XEN_PM_CX | p::XEN_PM_PX | p::XEN_PM_PDC => Ok(Reply::Done),
            p::XEN_PM_TX => Err(Errno::ENOSYS),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn platform_parking(op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfCoreParking = op.get();
        match a.r#type {
            p::XEN_CORE_PARKING_GET => {
                a.idle_nums = 0;
                op.put(&a);
                Ok(Reply::Changed)
            }
            p::XEN_CORE_PARKING_SET => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }
}
