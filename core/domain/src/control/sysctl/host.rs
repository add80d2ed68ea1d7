//! CPUs, memory and console of the machine.

use core::sync::atomic::Ordering;

use fx_types::{Errno, GuestVirtExt};
use xen_abi::domctl::XEN_SCHEDULER_CREDIT2;
use xen_abi::sysctl as s;
use xen_abi::sysctl::{
    Sysctl, SysctlAvailheap, SysctlCpuHotplug, SysctlCpuinfo, SysctlDebugKeys, SysctlGetcpuinfo,
    SysctlPhysinfo, SysctlReadconsole, SysctlSchedId,
};

use crate::control::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The most debug keys of one call.
const MAX_KEYS: u32 = 64;
/// Bytes of the console that are copied at a time.
const PIECE: usize = 256;

impl<H: Hw> Host<H> {
    pub(super) fn sysctl_physinfo(&self, op: &mut Sysctl) -> Outcome {
        let cpus = self.hw.cpus() as u32;
        let words = self.policies.host().featureset().0;
        let mut hw_cap = [0; 8];
        for (to, from) in hw_cap.iter_mut().zip(words) {
            *to = from;
        }
        op.put(&SysctlPhysinfo {
            threads_per_core: 1,
            cores_per_socket: cpus,
            nr_cpus: cpus,
            max_cpu_id: cpus.saturating_sub(1),
            nr_nodes: 1,
            max_node_id: 0,
            cpu_khz: self.hw.tsc_scale().khz,
            capabilities: s::XEN_SYSCTL_PHYSCAP_PV
                | if self.hw.virt().is_some() {
                    s::XEN_SYSCTL_PHYSCAP_HVM | s::XEN_SYSCTL_PHYSCAP_HAP
                } else {
                    0
                }
                | s::XEN_SYSCTL_PHYSCAP_GNTTAB_V1
                | s::XEN_SYSCTL_PHYSCAP_GNTTAB_V2,
            arch_capabilities: 0,
            pad: 0,
            total_pages: self.total_frames,
            free_pages: self.free.lock().free_frames(),
            // Frames are cleared when they are given out.
            scrub_pages: 0,
            outstanding_pages: self.claimed.load(Ordering::Relaxed),
            max_mfn: self.frames.end().saturating_sub(1),
            hw_cap,
        });
        Ok(Reply::Changed)
    }

    pub(super) fn sysctl_sched_id(op: &mut Sysctl) -> Outcome {
        op.put(&SysctlSchedId { sched_id: XEN_SCHEDULER_CREDIT2 });
        Ok(Reply::Changed)
    }

    /// Idle time of each CPU.
    pub(super) fn sysctl_cpuinfo(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlGetcpuinfo = op.get();
        let now = self.hw.now();
        a.nr_cpus = a.max_cpus.min(self.hw.cpus() as u32);
        for cpu in 0..a.nr_cpus {
            let info = SysctlCpuinfo { idletime: self.sched.idle_ns(cpu as usize, now) };
            self.hw.write_at(a.info.0, u64::from(cpu), &info)?;
        }
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn sysctl_availheap(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlAvailheap = op.get();
        if !(-1..=0).contains(&a.node) {
            return Err(Errno::EINVAL);
        }
        a.avail_bytes = self.free.lock().free_frames().saturating_mul(fx_types::PAGE_SIZE);
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn sysctl_debug_keys(&self, op: &Sysctl) -> Outcome {
        let a: SysctlDebugKeys = op.get();
        if a.nr_keys > MAX_KEYS {
            return Err(Errno::E2BIG);
        }
        for i in 0..u64::from(a.nr_keys) {
            let key: u8 = self.hw.read_at(a.keys.0, i)?;
            self.debug_key(key);
        }
        Ok(Reply::Done)
    }

    /// The number of CPUs does not change while the machine runs.
    pub(super) fn sysctl_hotplug(&self, c: &VcpuRef, op: &Sysctl) -> Outcome {
        let a: SysctlCpuHotplug = op.get();
        let by_number = matches!(a.op, s::XEN_SYSCTL_CPU_HOTPLUG_ONLINE | s::XEN_SYSCTL_CPU_HOTPLUG_OFFLINE);
        if by_number && a.cpu as usize >= self.hw.cpus() {
            return Err(Errno::EINVAL);
        }
        self.log_guest(
            c.d.id,
            format_args!("CPUs cannot be taken on- or offline while the machine runs; use maxcpus="),
        );
        Err(Errno::EOPNOTSUPP)
    }

    /// Copies messages, the oldest first or from a given place on; answers with the place to go on from.
    pub(super) fn sysctl_read_console(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlReadconsole = op.get();
        let mut incremental = a.incremental != 0;
        let mut done = 0u32;
        while done < a.count {
            let mut b = [0; PIECE];
            let room = PIECE.min(a.count.saturating_sub(done) as usize);
            let piece = b.get_mut(..room).ok_or(Errno::EINVAL)?;
            let got = self.hw.log().read(a.clear != 0, incremental, a.index, piece);
            let n = got.count;
            a.index = got.index;
            if n == 0 {
                break;
            }
            self.hw.copy_out(a.buffer.0.wrapping_add(u64::from(done)), piece.get(..n).unwrap_or(&[]))?;
            done = done.saturating_add(n as u32);
            incremental = true;
        }
        a.count = done;
        op.put(&a);
        Ok(Reply::Changed)
    }
}
