//! `callback_op`, `nmi_op` and `vm_assist`.

use fx_types::{Errno, GuestVirtExt, is_canonical};
use xen_abi::callback as k;
use xen_abi::xen as x;

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::{CALLBACK_SET, FAILSAFE_MASKS, SYSCALL_MASKS, SYSENTER_MASKS};

const ASSISTS: u64 = (1 << x::VMASST_TYPE_4GB_SEGMENTS)
    | (1 << x::VMASST_TYPE_4GB_SEGMENTS_NOTIFY)
    | (1 << x::VMASST_TYPE_WRITABLE_PAGETABLES)
    | (1 << x::VMASST_TYPE_PAE_EXTENDED_CR3)
    | (1 << x::VMASST_TYPE_ARCHITECTURAL_IOPL)
    | (1 << x::VMASST_TYPE_RUNSTATE_UPDATE_FLAG)
    | (1 << x::VMASST_TYPE_M2P_STRICT);

impl<H: Hw> Host<H> {
    /// `callback_op(command, argument)`.
    pub(crate) fn callback_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        let pv = &c.v.pv;
        match command as u32 {
            k::CALLBACKOP_REGISTER => {
                let r: k::CallbackRegister = self.hw.read_val(arg)?;
                if !is_canonical(r.address) {
                    return Err(Errno::EINVAL);
                }
                let masks = r.flags & k::CALLBACKF_MASK_EVENTS != 0;
                match r.type_ {
                    k::CALLBACKTYPE_EVENT => {
                        pv.event_callback.set(r.address);
                        c.v.set_flag(CALLBACK_SET, r.address != 0);
                    }
                    k::CALLBACKTYPE_FAILSAFE => {
                        pv.failsafe_callback.set(r.address);
                        c.v.set_flag(FAILSAFE_MASKS, masks);
                    }
                    k::CALLBACKTYPE_SYSCALL => {
                        pv.syscall_callback.set(r.address);
                        c.v.set_flag(SYSCALL_MASKS, masks);
                    }
                    k::CALLBACKTYPE_SYSENTER | k::CALLBACKTYPE_SYSENTER_DEPRECATED => {
                        pv.sysenter_callback.set(r.address);
                        c.v.set_flag(SYSENTER_MASKS, masks);
                    }
                    CALLBACKTYPE_SYSCALL32 => pv.syscall32_callback.set(r.address),
                    k::CALLBACKTYPE_NMI => pv.nmi_callback.set(r.address),
                    _ => return Err(Errno::ENOSYS),
                }
            }
            k::CALLBACKOP_UNREGISTER => {
                let r: k::CallbackUnregister = self.hw.read_val(arg)?;
                match r.type_ {
                    k::CALLBACKTYPE_SYSENTER | k::CALLBACKTYPE_SYSENTER_DEPRECATED => {
                        pv.sysenter_callback.set(0)
                    }
                    k::CALLBACKTYPE_NMI => pv.nmi_callback.set(0),
                    k::CALLBACKTYPE_EVENT | k::CALLBACKTYPE_FAILSAFE | k::CALLBACKTYPE_SYSCALL => {
                        return Err(Errno::EINVAL);
                    }
                    _ => return Err(Errno::ENOSYS),
                }
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    /// `nmi_op(command, argument)`.
    pub(crate) fn nmi_op(c: &VcpuRef, _args: &mut Args) -> Answer {
        // XENNMI_register_callback takes the address itself as a structure; PV Linux of today uses callback_op.
        let _ = c;
        Err(Errno::ENOSYS)
    }

    /// `vm_assist(command, type)`.
    pub(crate) fn vm_assist(c: &VcpuRef, args: &mut Args) -> Answer {
        use core::sync::atomic::Ordering::Relaxed;
        let [command, kind, ..] = *args;
        let bit = 1u64.checked_shl(kind as u32).unwrap_or(0);
        if bit & ASSISTS == 0 {
            return Err(Errno::EINVAL);
        }
        match command as u32 {
            x::VMASST_CMD_ENABLE => {
                c.d.vm_assist.fetch_or(bit, Relaxed);
            }
            x::VMASST_CMD_DISABLE => {
                c.d.vm_assist.fetch_and(!bit, Relaxed);
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }
}

/// `CALLBACKTYPE_syscall32`.
const CALLBACKTYPE_SYSCALL32: u16 = 7;
