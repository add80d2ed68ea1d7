//! Registers of the interface.

use fx_types::Mfn;
use fx_vdev::lapic::{Effect, Time};
use fx_viridian::msrs as m;
use fx_viridian::{PageRegister, TIMERS};

use super::super::HvmVcpu;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::Hw;

/// Offsets of registers of the local APIC, and their numbers as MSRs.
const APIC_EOI: u64 = 0xb0;
const APIC_TPR: u64 = 0x80;
const APIC_ICR: u64 = 0x300;
const APIC_ICR2: u64 = 0x310;
const X2APIC: u32 = 0x800;

/// A timer's number and whether it is its count that the register holds.
fn timer_of(msr: u32) -> (usize, bool) {
    let n = msr.wrapping_sub(m::STIMER0_CONFIG) as usize;
    ((n >> 1) % TIMERS, n & 1 != 0)
}

fn sint_of(msr: u32) -> usize {
    msr.wrapping_sub(m::SINT0) as usize
}

/// Which word of what a crashing guest has to say.
fn crash_word(msr: u32) -> usize {
    msr.wrapping_sub(m::CRASH_P0) as usize
}

impl<H: Hw> Host<H> {
    /// A register as the current vCPU reads it; `None` for `#GP`.
    pub(in crate::hvm) fn viridian_rdmsr(&self, c: &VcpuRef, h: &HvmVcpu, msr: u32) -> Option<u64> {
        let d = c.d.hvm.as_ref().filter(|d| m::has(d.viridian_features(), msr))?;
        match msr {
            m::GUEST_OS_ID => Some(d.viridian.lock().guest_os_id),
            m::HYPERCALL => Some(d.viridian.lock().hypercall.0),
            m::VP_INDEX => Some(c.v.id.into()),
            m::TIME_REF_COUNT => Some(self.reference_time(&c.d, d)),
            m::REFERENCE_TSC => Some(d.viridian.lock().reference_tsc.0),
            m::TSC_FREQUENCY => Some(u64::from(self.domain_scale(&c.d).khz).wrapping_mul(1000)),
            m::APIC_FREQUENCY => Some(m::APIC_HZ),
            m::ICR | m::TPR => self.read_apic(c, h, msr),
            m::CRASH_P0..=m::CRASH_P4 => d.viridian.lock().crash.get(crash_word(msr)).copied(),
            m::CRASH_CTL => Some(m::CRASH_NOTIFY),
            _ => self.read_vcpu_register(h, msr),
        }
    }

    fn read_vcpu_register(&self, h: &HvmVcpu, msr: u32) -> Option<u64> {
        let v = h.viridian.lock();
        match msr {
            m::VP_ASSIST_PAGE => Some(v.assist.0),
            m::SCONTROL => Some(v.control),
            m::SVERSION => Some(1),
            m::SIEFP => Some(v.event_flags.0),
            m::SIMP => Some(v.messages.0),
            m::EOM => Some(0),
            m::SINT0..=m::SINT15 => v.sints.get(sint_of(msr)).map(|s| s.0),
            m::STIMER0_CONFIG..=m::STIMER3_COUNT => {
                let (n, count) = timer_of(msr);
                v.timers.get(n).map(|t| if count { t.count() } else { t.config() })
            }
            _ => None,
        }
    }

    /// A write to a register by the current vCPU; `false` for `#GP`.
    pub(in crate::hvm) fn viridian_wrmsr(&self, c: &VcpuRef, h: &HvmVcpu, msr: u32, value: u64) -> bool {
        let Some(d) = c.d.hvm.as_ref().filter(|d| m::has(d.viridian_features(), msr)) else { return false };
        match msr {
            m::GUEST_OS_ID => d.viridian.lock().guest_os_id = value,
            m::HYPERCALL => {
                d.viridian.lock().hypercall = PageRegister(value);
                self.fill_hypercall_page(d, PageRegister(value));
            }
            m::REFERENCE_TSC => {
                d.viridian.lock().reference_tsc = PageRegister(value);
                self.write_reference_page(&c.d, d);
            }
            m::EOI | m::ICR | m::TPR => return self.write_apic(c, h, msr, value),
            m::CRASH_P0..=m::CRASH_P4 => {
                if let Some(word) = d.viridian.lock().crash.get_mut(crash_word(msr)) {
                    *word = value;
                }
            }
            m::CRASH_CTL => self.guest_crashes(c, d, value),
            _ => return self.write_vcpu_register(c, d, h, msr, value),
        }
        true
    }

    fn write_vcpu_register(&self, c: &VcpuRef, d: &HvmDomain, h: &HvmVcpu, msr: u32, value: u64) -> bool {
        match msr {
            m::VP_ASSIST_PAGE => {
                let mut v = h.viridian.lock();
                (v.assist, v.assisted) = (PageRegister(value), false);
                drop(v);
                if let Some(at) = self.viridian_page(d, PageRegister(value)) {
                    self.hw.zero_frame(Mfn(at.0 >> 12));
                }
            }
            m::SCONTROL => h.viridian.lock().control = value,
            m::SIEFP => h.viridian.lock().event_flags = PageRegister(value),
            m::SIMP => {
                let mut v = h.viridian.lock();
                (v.messages, v.blocked) = (PageRegister(value), 0);
            }
            m::EOM => h.viridian.lock().blocked = 0,
            m::SINT0..=m::SINT15 => return h.viridian.lock().set_sint(sint_of(msr), value),
            m::STIMER0_CONFIG..=m::STIMER3_COUNT => {
                let (n, count) = timer_of(msr);
                let now = self.reference_time(&c.d, d);
                if let Some(t) = h.viridian.lock().timers.get_mut(n) {
                    if count { t.set_count(value, now) } else { t.set_config(value, now) }
                }
            }
            _ => return false,
        }
        // Timers that are due are seen before the vCPU goes on.
        h.look();
        true
    }

    fn read_apic(&self, c: &VcpuRef, h: &HvmVcpu, msr: u32) -> Option<u64> {
        let time = self.apic_time(&c.d, &c.v);
        let lapic = h.lapic.lock();
        let register = |offset| u64::from(lapic.mmio_read(offset, &time));
        Some(if msr == m::TPR { register(APIC_TPR) } else { register(APIC_ICR2) << 32 | register(APIC_ICR) })
    }

    fn write_apic(&self, c: &VcpuRef, h: &HvmVcpu, msr: u32, value: u64) -> bool {
        let time = self.apic_time(&c.d, &c.v);
        let offset = match msr {
            m::EOI => APIC_EOI,
            m::TPR => APIC_TPR,
            _ => APIC_ICR,
        };
        let effect = self.write_apic_register(h, offset, value, &time);
        effect.map(|effect| self.apic_effect(c, h, effect)).is_some()
    }

    fn write_apic_register(&self, h: &HvmVcpu, offset: u64, value: u64, time: &Time) -> Option<Effect> {
        let mut lapic = h.lapic.lock();
        if lapic.is_x2apic() {
            // What an end of interrupt is written with means nothing here.
            let value = if offset == APIC_EOI { 0 } else { value };
            return lapic.msr_write(X2APIC.wrapping_add((offset >> 4) as u32), value, time);
        }
        if offset == APIC_ICR {
            let _ = lapic.mmio_write(APIC_ICR2, (value >> 32) as u32, time);
        }
        Some(lapic.mmio_write(offset, value as u32, time))
    }

    /// The guest says that it crashes, and what it knows of that; how it ends after that is its own affair.
    fn guest_crashes(&self, c: &VcpuRef, d: &HvmDomain, value: u64) {
        if value & m::CRASH_NOTIFY == 0 {
            return;
        }
        let [p0, p1, p2, p3, p4] = d.viridian.lock().crash;
        self.log_guest(
            c.d.id,
            format_args!("vCPU {} reports a crash: {p0:#x} {p1:#x} {p2:#x} {p3:#x} {p4:#x}", c.v.id),
        );
    }
}
