//! An HVM guest of one page, and the control domain that made it: what it does, and what the toolstack and a device model ask.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use fx_domain::domain::Domain;
use fx_domain::lifecycle::Create;
use fx_sim_host::{Machine, Step, World, on_cpu};
use fx_types::{Clock, DomId, Errno, GuestRegs, PhysMem, Result};
use fx_virt::{Access, Exit, Reason};
use xen_abi::arch_x86 as emu;
use xen_abi::dm_op::{DmOp, DmOpBuf};
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlHvmcontext, DomctlHvmcontextPartial};
use xen_abi::hvm_op::{HVMOP_SET_PARAM, HvmParam};
use xen_abi::hvm_save as s;
use xen_abi::hypercall as nr;
use xen_abi::memory::{MemoryReservation, XENMEM_POPULATE_PHYSMAP};
use xen_abi::sched::{SCHEDOP_POLL, SchedPoll};
use xen_abi::xen::GuestHandle;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

/// All devices that the hypervisor has.
pub const DEVICES: u32 = emu::XEN_X86_EMU_LAPIC
    | emu::XEN_X86_EMU_HPET
    | emu::XEN_X86_EMU_PM
    | emu::XEN_X86_EMU_RTC
    | emu::XEN_X86_EMU_IOAPIC
    | emu::XEN_X86_EMU_PIC
    | emu::XEN_X86_EMU_PIT;
pub const MS: u64 = 1_000_000;
/// Where the guest's code is: `mov [ebx], eax` and `mov eax, [ebx]`.
const CODE: u64 = 0x1000;
const STORE: u64 = CODE;
const LOAD: u64 = CODE + 2;
/// Where in the scratch memory of the control domain arguments, and buffers, are.
const ARGUMENT: usize = 0;
pub const BUFFER: usize = 4096;
/// Where in it a device model's second buffer is.
pub const SECOND: usize = BUFFER + 2048;
const RUNS: u64 = 0x202;

/// `out`.
pub fn out(port: u16, value: u32) -> Step {
    io(port, 1, value, false)
}

/// `in`, of a byte.
pub fn byte(port: u16) -> Step {
    io(port, 1, 0, true)
}

pub fn io(port: u16, size: u8, value: u32, input: bool) -> Step {
    let reason = Reason::Io { port, size, input, string: false };
    let regs = GuestRegs { rax: value.into(), rflags: RUNS, ..GuestRegs::default() };
    (Exit { reason, length: 1, interrupted: None }, regs)
}

fn memory(address: u64, value: u32, write: bool) -> Step {
    let access = Access { write, ..Access::default() };
    let regs = GuestRegs {
        rip: if write { STORE } else { LOAD },
        rax: value.into(),
        rbx: address,
        rflags: RUNS,
        ..GuestRegs::default()
    };
    (Exit { reason: Reason::NestedFault { address, access }, length: 0, interrupted: None }, regs)
}

pub fn store(address: u64, value: u32) -> Step {
    memory(address, value, true)
}

pub fn load(address: u64) -> Step {
    memory(address, 0, false)
}

/// A write to a register of the local APIC.
pub fn apic(offset: u64, value: u32) -> Step {
    store(0xfee0_0000 + offset, value)
}

/// The end of an interrupt of the local APIC's.
pub fn eoi() -> Step {
    apic(0xb0, 0)
}

/// Writes the lower half of an entry of the I/O APIC.
pub fn route(pin: u32, entry: u32) -> [Step; 2] {
    [store(0xfec0_0000, 0x10 + 2 * pin), store(0xfec0_0010, entry)]
}

pub fn running() -> GuestRegs {
    GuestRegs { rflags: RUNS, ..GuestRegs::default() }
}

pub fn write_msr(index: u32, value: u64) -> Step {
    let regs = GuestRegs { rcx: index.into(), rax: value & 0xffff_ffff, rdx: value >> 32, ..running() };
    (Exit { reason: Reason::WriteMsr, length: 2, interrupted: None }, regs)
}

pub fn read_msr(index: u32) -> Step {
    let regs = GuestRegs { rcx: index.into(), ..running() };
    (Exit { reason: Reason::ReadMsr, length: 2, interrupted: None }, regs)
}

pub fn cpuid(leaf: u32) -> Step {
    let regs = GuestRegs { rax: leaf.into(), ..running() };
    (Exit { reason: Reason::Cpuid, length: 2, interrupted: None }, regs)
}

/// The local APIC of the first vCPU tells the second one to stop, and to start at a page.
pub fn start_second(page: u32) -> [Step; 4] {
    [apic(0x310, 2 << 24), apic(0x300, 0x4500), apic(0x310, 2 << 24), apic(0x300, 0x4600 | page)]
}

/// What the control domain does, and what it has.
pub struct Scene(pub World);

impl Scene {
    pub fn new(cpus: usize) -> Self {
        Self::on(cpus, Machine::new(cpus, 1600))
    }

    /// On a processor with all features.
    pub fn rich() -> Self {
        Self::on(1, Machine::rich(1, 1600))
    }

    fn on(cpus: usize, machine: Machine) -> Self {
        let mut w = World::on(machine, 0);
        (0..cpus).for_each(|cpu| w.turn(cpu));
        Self(w)
    }

    pub fn hw(&self) -> &Machine {
        &self.0.host.hw
    }

    fn put(&self, at: usize, bytes: &[u8]) {
        let frames = self.0.spaces[&0].scratch_frames().to_vec();
        for (i, b) in bytes.iter().enumerate() {
            self.hw().store8(frames[(at + i) / 4096].at((at + i) as u64 % 4096), *b);
        }
    }

    pub fn get(&self, at: usize, bytes: &mut [u8]) {
        let frames = self.0.spaces[&0].scratch_frames().to_vec();
        for (i, b) in bytes.iter_mut().enumerate() {
            *b = self.hw().load8(frames[(at + i) / 4096].at((at + i) as u64 % 4096));
        }
    }

    pub fn buffer(&self) -> GuestHandle {
        GuestHandle(self.0.spaces[&0].scratch().0 + BUFFER as u64)
    }

    /// A call with one structure as last argument.
    pub fn call<T: IntoBytes + FromBytes + Immutable>(
        &mut self,
        number: u32,
        first: Option<u32>,
        argument: &mut T,
    ) -> Result<u64> {
        self.put(ARGUMENT, argument.as_bytes());
        let at = self.0.spaces[&0].scratch().0 + ARGUMENT as u64;
        let args = match first {
            Some(first) => [first.into(), at, 0, 0, 0],
            None => [at, 0, 0, 0, 0],
        };
        let answer = self.0.hypercall(0, number, args, 1000)? as i64;
        self.get(ARGUMENT, argument.as_mut_bytes());
        u64::try_from(answer).map_err(|_| error(answer))
    }

    pub fn domctl<T: IntoBytes + FromBytes + Immutable>(&mut self, id: u16, cmd: u32, arg: &mut T) -> Result {
        let mut op =
            Domctl { cmd, interface_version: d::XEN_DOMCTL_INTERFACE_VERSION, ..Domctl::new_zeroed() };
        op.domain = id;
        op.put(arg);
        self.call(nr::HYPERVISOR_DOMCTL, None, &mut op)?;
        *arg = op.get();
        Ok(())
    }

    /// A device model's call.
    pub fn dm_op<T: IntoBytes + Immutable>(&mut self, id: u16, op: u32, arg: &T) -> Result {
        self.dm_op_with(id, op, arg, &())
    }

    /// A device model's call with a second buffer.
    pub fn dm_op_with<T: IntoBytes + Immutable, B: IntoBytes + Immutable>(
        &mut self,
        id: u16,
        op: u32,
        arg: &T,
        second: &B,
    ) -> Result {
        let mut whole = DmOp { op, ..DmOp::default() };
        whole.put(arg);
        self.put(BUFFER, whole.as_bytes());
        self.put(SECOND, second.as_bytes());
        let at = GuestHandle(self.buffer().0 + (SECOND - BUFFER) as u64);
        let buffers = [
            DmOpBuf { h: self.buffer(), size: size_of::<DmOp>() as u64 },
            DmOpBuf { h: at, size: size_of::<B>() as u64 },
        ];
        self.put(ARGUMENT, buffers.as_bytes());
        let list = self.0.spaces[&0].scratch().0 + ARGUMENT as u64;
        let answer = self.0.hypercall(0, nr::HYPERVISOR_DM_OP, [id.into(), 2, list, 0, 0], 10)? as i64;
        if answer == 0 { Ok(()) } else { Err(error(answer)) }
    }

    pub fn set_param(&mut self, id: u16, index: u32, value: u64) {
        let mut a = HvmParam { domid: id, pad: 0, index, value };
        assert_eq!(self.call(nr::HYPERVISOR_HVM_OP, Some(HVMOP_SET_PARAM), &mut a), Ok(0));
    }

    /// A guest of one vCPU (or more, that are down) with the devices, in protected mode without paging. It does not run yet.
    pub fn create(&mut self, id: u16, vcpus: u32, devices: u32) -> Arc<Domain> {
        let create = Create {
            id: DomId(id),
            privileged: false,
            hardware: false,
            flags: 0,
            container: Some(devices),
            pool: 0,
            handle: [0; 16],
            ssidref: 0,
            max_vcpus: vcpus,
            max_evtchn_port: u32::MAX,
            max_grant_frames: 4,
            max_maptrack_frames: 4,
            max_grant_version: 2,
        };
        let domain = on_cpu(0, || self.0.host.create_domain(&create)).unwrap();
        domain.pages.lock().max = 16;
        assert_eq!(self.populate(id, CODE >> 12), Ok(1));
        let page = domain.hvm.as_ref().unwrap().p2m.get(self.hw(), CODE >> 12).mfn;
        self.hw().write(page.addr(), &[0x89, 0x03, 0x8b, 0x03]);
        self.load(id, &first_state()).unwrap();
        domain
    }

    /// Gives a guest frame memory; how many extents were done.
    pub fn populate(&mut self, id: u16, gfn: u64) -> Result<u64> {
        self.reservation(id, XENMEM_POPULATE_PHYSMAP, gfn)
    }

    /// An operation on a reservation of one frame.
    pub fn reservation(&mut self, id: u16, op: u32, gfn: u64) -> Result<u64> {
        self.put(BUFFER, gfn.as_bytes());
        let mut r = MemoryReservation {
            extent_start: self.buffer(),
            nr_extents: 1,
            domid: id,
            ..MemoryReservation::new_zeroed()
        };
        self.call(nr::HYPERVISOR_MEMORY_OP, Some(op), &mut r)
    }

    pub fn start(&mut self, domain: &Domain) {
        domain.created.store(true, SeqCst);
        domain.tool_pauses.store(0, SeqCst);
        on_cpu(0, || self.0.host.unpause_domain(domain));
    }

    /// `XEN_DOMCTL_sethvmcontext`.
    pub fn load(&mut self, id: u16, state: &[u8]) -> Result {
        self.put(BUFFER, state);
        let mut a = DomctlHvmcontext { size: state.len() as u32, buffer: self.buffer(), _pad0: [0; 4] };
        self.domctl(id, d::XEN_DOMCTL_SETHVMCONTEXT, &mut a)
    }

    /// `XEN_DOMCTL_gethvmcontext`.
    pub fn save(&mut self, id: u16) -> Vec<u8> {
        let mut a = DomctlHvmcontext { size: 24 << 10, buffer: self.buffer(), _pad0: [0; 4] };
        self.domctl(id, d::XEN_DOMCTL_GETHVMCONTEXT, &mut a).unwrap();
        let mut state = vec![0; a.size as usize];
        self.get(BUFFER, &mut state);
        state
    }

    /// `XEN_DOMCTL_gethvmcontext_partial`.
    pub fn save_one(&mut self, id: u16, code: u16, instance: u32) -> Result<Vec<u8>> {
        let mut a =
            DomctlHvmcontextPartial { r#type: code.into(), instance, bufsz: 4096, buffer: self.buffer() };
        self.domctl(id, d::XEN_DOMCTL_GETHVMCONTEXT_PARTIAL, &mut a)?;
        let mut record = vec![0; a.bufsz as usize];
        self.get(BUFFER, &mut record);
        Ok(record)
    }

    /// The contents of a vCPU's records of a kind in the saved state.
    pub fn saved(&mut self, id: u16, code: u16) -> Vec<Vec<u8>> {
        let state = self.save(id);
        records(&state).into_iter().filter(|r| r.0 == code).map(|(_, _, data)| data).collect()
    }

    /// The control domain sleeps, and the guest has the processor.
    pub fn run(&mut self, ns: u64) {
        let mut poll = SchedPoll { timeout: self.hw().now() + ns, ..SchedPoll::new_zeroed() };
        assert_eq!(self.call(nr::HYPERVISOR_SCHED_OP, Some(SCHEDOP_POLL), &mut poll), Ok(0));
    }

    /// The guests wake up, and one does these steps, then sleeps until the time is over; RAX after each.
    pub fn play(&mut self, steps: impl IntoIterator<Item = Step>, ns: u64) -> Vec<u64> {
        let _ = self.hw().script().take_results();
        self.hw().script().push(steps);
        let all: Vec<_> = self.0.host.domains.read().values().cloned().collect();
        for domain in all.iter().filter(|domain| domain.hvm.is_some()) {
            on_cpu(0, || self.0.host.unblock(domain, &domain.vcpus[0]));
        }
        self.run(ns.max(MS / 5));
        self.hw().script().take_results()
    }

    /// The vectors that were delivered since this was asked last.
    pub fn vectors(&self) -> Vec<u8> {
        self.hw().script().take_events().iter().map(|e| e.vector).collect()
    }

    /// Has the guest do something for each interrupt.
    pub fn handle(&self, mut with: impl FnMut(u8) -> Vec<Step> + Send + 'static) {
        self.hw().script().on_event(Box::new(move |e| with(e.vector)));
    }
}

fn error(answer: i64) -> Errno {
    let e = Errno(-answer as i32);
    assert!(e.name().is_some(), "{answer}");
    e
}

/// The records of a saved state: code, instance, contents.
pub fn records(mut state: &[u8]) -> Vec<(u16, u16, Vec<u8>)> {
    let mut all = Vec::new();
    while !state.is_empty() {
        let (head, rest) = s::HvmSaveDescriptor::read_from_prefix(state).unwrap();
        let (data, rest) = rest.split_at(head.length as usize);
        all.push((head.typecode, head.instance, data.to_vec()));
        state = rest;
    }
    all
}

/// A state of these records.
pub fn state_of(records: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
    let mut state = Vec::new();
    for (typecode, instance, data) in records {
        let head =
            s::HvmSaveDescriptor { typecode: *typecode, instance: *instance, length: data.len() as u32 };
        state.extend_from_slice(head.as_bytes());
        state.extend_from_slice(data);
    }
    state
}

/// The state that a toolstack gives vCPU 0: flat segments of 32 bits.
pub fn first_state() -> Vec<u8> {
    let header = s::HvmSaveHeader {
        magic: s::HVM_FILE_MAGIC,
        version: s::HVM_FILE_VERSION,
        ..FromZeros::new_zeroed()
    };
    let mut k = s::HvmHwCpu { cr0: 0x11, rflags: RUNS, cs_arbytes: 0xc9b, ..Default::default() };
    (k.cs_limit, k.ds_limit, k.es_limit, k.ss_limit) = (u32::MAX, u32::MAX, u32::MAX, u32::MAX);
    (k.ds_arbytes, k.es_arbytes, k.ss_arbytes, k.tr_arbytes) = (0xc93, 0xc93, 0xc93, 0x8b);
    state_of(&[
        (s::HVM_SAVE_CODE_HEADER, 0, header.as_bytes().to_vec()),
        (s::HVM_SAVE_CODE_CPU, 0, k.as_bytes().to_vec()),
        (s::HVM_SAVE_CODE_END, 0, vec![]),
    ])
}
