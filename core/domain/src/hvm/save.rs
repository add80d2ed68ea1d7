//! An HVM domain's state as a sequence of records (`xen/hvm/save.h`): what `XEN_DOMCTL_gethvmcontext`, `sethvmcontext` and
//! `gethvmcontext_partial` read and write.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use fx_types::{Errno, Mfn, Result};
use fx_virt::Register;
use xen_abi::hvm_save as s;
use xen_abi::hvm_save::{HvmHwCpu, HvmHwLapic, HvmHwLapicRegs, HvmHwMtrr, HvmSaveDescriptor, HvmSaveHeader};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use super::platform::is_device;
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;
use crate::own_msrs::{SAVED_MSRS, TSC_AUX};
use crate::vcpu::Vcpu;

/// Where XSTATE_BV is in an XSAVE area.
const XSTATE_BV: u64 = 512;

/// All kinds of records that are written, in their order.
const ORDER: [u16; 19] = [
    s::HVM_SAVE_CODE_CPU,
    s::HVM_SAVE_CODE_PIC,
    s::HVM_SAVE_CODE_IOAPIC,
    s::HVM_SAVE_CODE_LAPIC,
    s::HVM_SAVE_CODE_LAPIC_REGS,
    s::HVM_SAVE_CODE_PCI_IRQ,
    s::HVM_SAVE_CODE_ISA_IRQ,
    s::HVM_SAVE_CODE_PCI_LINK,
    s::HVM_SAVE_CODE_PIT,
    s::HVM_SAVE_CODE_RTC,
    s::HVM_SAVE_CODE_HPET,
    s::HVM_SAVE_CODE_PMTIMER,
    s::HVM_SAVE_CODE_MTRR,
    s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN,
    s::HVM_SAVE_CODE_CPU_XSAVE,
    s::HVM_SAVE_CODE_VIRIDIAN_VCPU,
    s::HVM_SAVE_CODE_VMCE_VCPU,
    s::HVM_SAVE_CODE_TSC_ADJUST,
    s::HVM_SAVE_CODE_CPU_MSR,
];

/// Appends a record.
pub(super) fn push<T: IntoBytes + Immutable>(
    out: &mut Vec<u8>,
    code: u16,
    instance: u32,
    record: &T,
) -> Result {
    push_parts(out, code, instance, &[record.as_bytes()])
}

fn push_parts(out: &mut Vec<u8>, code: u16, instance: u32, parts: &[&[u8]]) -> Result {
    let length = parts.iter().fold(0usize, |n, p| n.saturating_add(p.len()));
    let head = HvmSaveDescriptor { typecode: code, instance: instance as u16, length: length as u32 };
    out.try_reserve(length.saturating_add(size_of::<HvmSaveDescriptor>())).map_err(|_| Errno::ENOMEM)?;
    out.extend_from_slice(head.as_bytes());
    parts.iter().for_each(|p| out.extend_from_slice(p));
    Ok(())
}

/// A record as a value; what is missing at its end reads as zero, what is too much is an error.
pub(super) fn value<T: FromBytes + IntoBytes + FromZeros>(data: &[u8]) -> Result<T> {
    let mut v = T::new_zeroed();
    let room = v.as_mut_bytes().get_mut(..data.len()).ok_or(Errno::EINVAL)?;
    room.copy_from_slice(data);
    Ok(v)
}

/// Takes the next record off the front: its descriptor and its contents.
fn next<'a>(rest: &mut &'a [u8]) -> Result<(HvmSaveDescriptor, &'a [u8])> {
    let (head, tail) = HvmSaveDescriptor::read_from_prefix(rest).map_err(|_| Errno::ENODATA)?;
    let data = tail.get(..head.length as usize).ok_or(Errno::ENODATA)?;
    *rest = tail.get(head.length as usize..).unwrap_or(&[]);
    Ok((head, data))
}

impl<H: Hw> Host<H> {
    /// All records of a domain, whose vCPUs stand still.
    ///
    /// # Errors
    /// `EINVAL` for a PV domain, `ENOMEM`.
    pub(crate) fn save_hvm(&self, d: &Domain) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let [family, ..] = self.hw.cpuid(1, 0);
        let header = HvmSaveHeader {
            magic: s::HVM_FILE_MAGIC,
            version: s::HVM_FILE_VERSION,
            changeset: u64::MAX,
            cpuid: family,
            gtsc_khz: self.domain_scale(d).khz,
        };
        push(&mut out, s::HVM_SAVE_CODE_HEADER, 0, &header)?;
        let tsc = self.hw.tsc();
        for code in ORDER {
            self.save_records(d, code, tsc, &mut out)?;
        }
        push(&mut out, s::HVM_SAVE_CODE_END, 0, &())?;
        Ok(out)
    }

    /// The records of a kind. The vCPUs' counters are all read at the moment at which the machine's was `tsc`.
    fn save_records(&self, d: &Domain, code: u16, tsc: u64, out: &mut Vec<u8>) -> Result {
        if is_device(code) {
            return self.save_device(d, code, out);
        }
        if code == s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN {
            return self.save_viridian(d, out);
        }
        d.vcpus.iter().try_for_each(|v| self.save_record(d, v, code, tsc, out))
    }

    /// One record, without its descriptor.
    ///
    /// # Errors
    /// `ENOENT` when there is no such record, `ENOMEM`.
    pub(crate) fn save_one(&self, d: &Domain, code: u16, instance: u16) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        if is_device(code) {
            self.save_device(d, code, &mut all)?;
        } else if code == s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN {
            self.save_viridian(d, &mut all)?;
        } else {
            let v = d.vcpu(u32::from(instance)).ok_or(Errno::ENOENT)?;
            self.save_record(d, v, code, self.hw.tsc(), &mut all)?;
        }
        let (mut rest, mut found) = (all.as_slice(), None);
        while found.is_none() && !rest.is_empty() {
            let (head, data) = next(&mut rest)?;
            let end = all.len().saturating_sub(rest.len());
            found = (head.instance == instance).then_some((end.saturating_sub(data.len()), end));
        }
        let (start, end) = found.ok_or(Errno::ENOENT)?;
        all.truncate(end);
        all.drain(..start);
        Ok(all)
    }

    /// One record of a vCPU.
    ///
    /// # Errors
    /// `ENOENT` when there is no such record.
    fn save_record(&self, d: &Domain, v: &Vcpu, code: u16, tsc: u64, out: &mut Vec<u8>) -> Result {
        let h = v.hvm.as_ref().ok_or(Errno::EINVAL)?;
        match code {
            s::HVM_SAVE_CODE_CPU if v.initialised.load(Ordering::Acquire) => {
                let mut k = HvmHwCpu::default();
                self.save_hvm_cpu(d, v, tsc, &mut k)?;
                push(out, code, v.id, &k)
            }
            s::HVM_SAVE_CODE_CPU => Ok(()),
            s::HVM_SAVE_CODE_LAPIC => push(out, code, v.id, &h.lapic.lock().save()),
            s::HVM_SAVE_CODE_LAPIC_REGS => {
                let time = self.apic_time(d, v);
                push(out, code, v.id, &h.lapic.lock().save_regs(&time))
            }
            s::HVM_SAVE_CODE_MTRR => {
                let m = h.mtrr.lock().save();
                push(out, code, v.id, &m)
            }
            s::HVM_SAVE_CODE_CPU_XSAVE => self.save_xstate(v, out),
            s::HVM_SAVE_CODE_VMCE_VCPU => {
                push(out, code, v.id, &s::HvmVmceVcpu { caps: 2, ..Default::default() })
            }
            s::HVM_SAVE_CODE_TSC_ADJUST => {
                push(out, code, v.id, &s::HvmTscAdjust { tsc_adjust: h.tsc_adjust.load(Ordering::Relaxed) })
            }
            s::HVM_SAVE_CODE_VIRIDIAN_VCPU => self.save_viridian_vcpu(d, v, h, out),
            s::HVM_SAVE_CODE_CPU_MSR => Self::save_msrs(d, v, out),
            _ => Err(Errno::ENOENT),
        }
    }

    /// Nothing for a vCPU whose registers are all as at the start.
    fn save_msrs(d: &Domain, v: &Vcpu, out: &mut Vec<u8>) -> Result {
        let all = Self::saved_msrs(d, v)?;
        // `IA32_TSC_AUX` is in the record of the CPU.
        let mut entries = [s::HvmOneMsr::default(); SAVED_MSRS as usize];
        let mut count = 0usize;
        for ((index, val), slot) in all.iter().filter(|(msr, _)| *msr != TSC_AUX).zip(&mut entries) {
            *slot = s::HvmOneMsr { index: *index, val: *val, _rsvd: 0 };
            count = count.saturating_add(1);
        }
        let head = s::HvmMsr { count: count as u32, ..Default::default() };
        let entries = entries.get(..count).unwrap_or(&[]);
        if count == 0 {
            Ok(())
        } else {
            push_parts(out, s::HVM_SAVE_CODE_CPU_MSR, v.id, &[head.as_bytes(), entries.as_bytes()])
        }
    }

    fn load_msrs(d: &Domain, v: &Vcpu, data: &[u8]) -> Result {
        let (head, mut rest) = s::HvmMsr::read_from_prefix(data).map_err(|_| Errno::EINVAL)?;
        for _ in 0..head.count {
            let (msr, tail) = s::HvmOneMsr::read_from_prefix(rest).map_err(|_| Errno::EINVAL)?;
            if msr._rsvd != 0 {
                return Err(Errno::EOPNOTSUPP);
            }
            Self::restore_msr(d, v, msr.index, msr.val)?;
            rest = tail;
        }
        Ok(())
    }

    fn save_xstate(&self, v: &Vcpu, out: &mut Vec<u8>) -> Result {
        let xcr0 = v.pv.xcr0.get();
        let host = self.policies.host();
        let mask = host.xcr0_mask();
        if mask == 0 || !v.initialised.load(Ordering::Acquire) {
            return Ok(());
        }
        let size = u64::from(host.xsave_size((xcr0 | 3) & mask)).min(self.hw.xstate_size() as u64);
        let mut area = Vec::new();
        area.try_reserve_exact(size as usize).map_err(|_| Errno::ENOMEM)?;
        area.resize(size as usize, 0);
        self.read_xstate(v, &mut area);
        let head = [mask, xcr0, (xcr0 | 3) & mask];
        push_parts(out, s::HVM_SAVE_CODE_CPU_XSAVE, v.id, &[head.as_bytes(), &area])
    }

    /// Takes a context.
    ///
    /// # Errors
    /// `EINVAL` for one that is not of this form or holds what no processor can be in, `ENOENT` for a vCPU that there is not.
    pub(crate) fn load_hvm_context(&self, d: &Arc<Domain>, context: &[u8]) -> Result {
        let mut rest = context;
        let (head, data) = next(&mut rest)?;
        let header: HvmSaveHeader = value(data)?;
        if head.typecode != s::HVM_SAVE_CODE_HEADER || header.magic != s::HVM_FILE_MAGIC {
            return Err(Errno::EINVAL);
        }
        // One moment for all: counters that agreed go on agreeing.
        let tsc = self.hw.tsc();
        loop {
            let (head, data) = next(&mut rest)?;
            if head.typecode == s::HVM_SAVE_CODE_END {
                self.settle_platform(d);
                return Ok(());
            }
            self.load_record(d, &head, tsc, data).inspect_err(|e| {
                let (code, instance) = (head.typecode, head.instance);
                self.log_guest(
                    d.id,
                    format_args!("saved state: record {code} of {instance} is refused: {e:?}"),
                );
            })?;
        }
    }

    fn load_record(&self, d: &Domain, head: &HvmSaveDescriptor, tsc: u64, data: &[u8]) -> Result {
        if is_device(head.typecode) {
            return self.load_device(d, head.typecode, head.instance, data);
        }
        if head.typecode == s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN {
            return self.load_viridian(d, &value(data)?);
        }
        let v = d.vcpu(u32::from(head.instance)).ok_or(Errno::ENOENT)?;
        let h = v.hvm.as_ref().ok_or(Errno::EINVAL)?;
        match head.typecode {
            s::HVM_SAVE_CODE_CPU => self.load_hvm_cpu(d, v, tsc, &mut value(data)?),
            s::HVM_SAVE_CODE_LAPIC => {
                let k: HvmHwLapic = value(data)?;
                if h.lapic.lock().load(&k) { Ok(()) } else { Err(Errno::EINVAL) }
            }
            s::HVM_SAVE_CODE_LAPIC_REGS => {
                let k: HvmHwLapicRegs = value(data)?;
                let time = self.apic_time(d, v);
                let mut lapic = h.lapic.lock();
                lapic.load_regs(&k, &time);
                let priority = lapic.task_priority();
                drop(lapic);
                self.with_context(v, |hw, x| hw.set_task_priority(x, priority))
            }
            s::HVM_SAVE_CODE_MTRR => {
                let k: HvmHwMtrr = value(data)?;
                let mut m = h.mtrr.lock();
                if !m.load(&k) {
                    return Err(Errno::EINVAL);
                }
                let pat = m.save().msr_pat_cr;
                self.with_context(v, |hw, x| hw.set_register(x, Register::Pat, pat))
            }
            s::HVM_SAVE_CODE_CPU_XSAVE => self.load_xstate(d, v, data),
            // The counter is set by its value, so that this is no more than a number.
            s::HVM_SAVE_CODE_TSC_ADJUST => {
                let k: s::HvmTscAdjust = value(data)?;
                h.tsc_adjust.store(k.tsc_adjust, Ordering::Relaxed);
                Ok(())
            }
            // No machine check is pending.
            s::HVM_SAVE_CODE_VMCE_VCPU => Ok(()),
            s::HVM_SAVE_CODE_VIRIDIAN_VCPU => self.load_viridian_vcpu(d, h, &value(data)?),
            s::HVM_SAVE_CODE_CPU_MSR => Self::load_msrs(d, v, data),
            _ => Err(Errno::EINVAL),
        }
    }

    fn load_xstate(&self, d: &Domain, v: &Vcpu, data: &[u8]) -> Result {
        let head = data.get(8..24).ok_or(Errno::EINVAL)?;
        let [xcr0, used]: [u64; 2] = value(head)?;
        let mut image = Vec::new();
        image.try_reserve_exact(data.len()).map_err(|_| Errno::ENOMEM)?;
        image.extend_from_slice(data.get(24..).ok_or(Errno::EINVAL)?);
        self.set_xstate_image(d, v, xcr0, used, &mut image)
    }

    /// The legacy part of the extended state.
    pub(crate) fn set_legacy_fpu(&self, v: &Vcpu, fpu: &[u8; 512]) {
        let area = Mfn(v.xstate.get()).addr();
        self.hw.write(area, fpu);
        // Reserved bits of MXCSR would make the processor refuse the state, here and not in the guest.
        self.hw.store32(area.add(24), self.hw.load32(area.add(24)) & 0xffff);
        // x87 and SSE.
        self.hw.store64(area.add(XSTATE_BV), 3);
    }
}
