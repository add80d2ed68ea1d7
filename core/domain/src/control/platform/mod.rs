//! `platform_op`: what the hardware domain's kernel tells of the machine and asks of it.

mod cpu;
mod firmware;
mod mtrr;
mod power;

use fx_types::{Errno, GuestVirtExt};
use xen_abi::platform as p;
use xen_abi::platform::{PlatformOp, XenpfPlatformQuirk, XenpfSettime32, XenpfSettime64};

use super::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};

impl<H: Hw> Host<H> {
    /// `platform_op(argument)`.
    pub(crate) fn platform_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [arg, ..] = *args;
        let mut op: PlatformOp = self.hw.read_val(arg)?;
        if op.interface_version != p::XENPF_INTERFACE_VERSION {
            return Err(Errno::EACCES);
        }
        self.may_manage(c)?;
        let _one = self.control.begin()?;
        if op.cmd == p::XENPF_RESOURCE_OP {
            return self.platform_resource(&op);
        }
        if op.cmd == p::XENPF_GET_DOM0_CONSOLE {
            let display = self.firmware.display.ok_or(Errno::ENODEV)?;
            op.put(&display);
            return self.hw.write_val(arg, &op).map(|()| size_of_val(&display) as i64);
        }
        match self.platform_dispatch(&mut op)? {
            Reply::Done => Ok(0),
            Reply::Changed => self.hw.write_val(arg, &op).map(|()| 0),
            Reply::Refused(e) => {
                self.hw.write_val(arg, &op)?;
                Err(e)
            }
        }
    }

    fn platform_dispatch(&self, op: &mut PlatformOp) -> Outcome {
        match op.cmd {
            p::XENPF_SETTIME32 => {
                let t: XenpfSettime32 = op.get();
                self.set_wallclock(u64::from(t.secs), t.nsecs, t.system_time).map(|()| Reply::Done)
            }
            p::XENPF_SETTIME64 => {
                let t: XenpfSettime64 = op.get();
                if t.mbz != 0 {
                    return Err(Errno::EINVAL);
                }
                self.set_wallclock(t.secs, t.nsecs, t.system_time).map(|()| Reply::Done)
            }
            p::XENPF_READ_MEMTYPE => self.platform_read_mtrr(op),
            p::XENPF_ADD_MEMTYPE | p::XENPF_DEL_MEMTYPE => Err(Errno::EOPNOTSUPP),
            p::XENPF_PLATFORM_QUIRK => {
                let q: XenpfPlatformQuirk = op.get();
                let known = matches!(
                    q.quirk_id,
                    p::QUIRK_NOIRQBALANCING | p::QUIRK_IOAPIC_BAD_REGSEL | p::QUIRK_IOAPIC_GOOD_REGSEL
                );
                if known { Ok(Reply::Done) } else { Err(Errno::EINVAL) }
            }
            p::XENPF_FIRMWARE_INFO => self.platform_firmware(op),
            // Without them in use.
            p::XENPF_EFI_RUNTIME_CALL => Err(Errno::EOPNOTSUPP),
            p::XENPF_GET_SYMBOL => Self::platform_symbol(op),
            p::XENPF_ENTER_ACPI_SLEEP => self.platform_sleep(op),
            p::XENPF_SET_PROCESSOR_PMINFO => Self::platform_processor(op),
            p::XENPF_CORE_PARKING => Self::platform_parking(op),
            p::XENPF_GETIDLETIME => self.platform_idle_times(op),
            p::XENPF_GET_CPUINFO => self.platform_cpu(op),
            p::XENPF_GET_CPU_VERSION => self.platform_cpu_version(op),
            p::XENPF_GET_UCODE_REVISION => self.platform_microcode(op),
            p::XENPF_CPU_ONLINE | p::XENPF_CPU_OFFLINE | p::XENPF_CPU_HOTADD => Err(Errno::EOPNOTSUPP),
            p::XENPF_MICROCODE_UPDATE | p::XENPF_MICROCODE_UPDATE2 => Err(Errno::EINVAL),
            _ => Err(Errno::ENOSYS),
        }
    }
}
