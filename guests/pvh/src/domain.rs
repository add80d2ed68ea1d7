//! A PVH domain: creating, filling, starting, ending it.

use core::arch::global_asm;

use guest_lib::abi::arch_x86::XEN_X86_EMU_LAPIC;
use guest_lib::abi::domctl::*;
use guest_lib::abi::hvm_save::{
    HVM_FILE_MAGIC, HVM_FILE_VERSION, HVM_SAVE_CODE_CPU, HVM_SAVE_CODE_END, HVM_SAVE_CODE_HEADER, HvmHwCpu,
    HvmSaveDescriptor, HvmSaveHeader,
};
use guest_lib::abi::hypercall::{HYPERVISOR_DOMCTL, HYPERVISOR_SYSCTL};
use guest_lib::abi::memory::{MemoryReservation, XENMEM_POPULATE_PHYSMAP};
use guest_lib::abi::sysctl::{Sysctl, SysctlPhysinfo, XEN_SYSCTL_INTERFACE_VERSION, XEN_SYSCTL_PHYSINFO};
use guest_lib::abi::xen::{GuestHandle, MMUEXT_INVLPG_LOCAL, MmuUpdate};
use guest_lib::{hypercall, mmu, time};

global_asm!(
    include_str!("payload.s"),
    include_str!("hostile.s"),
    include_str!("exits.s"),
    r"
    .globl payload_end
    payload_end:
    .purgem result
    .purgem at
    .purgem resume
    .purgem vector
    .purgem timed
    .purgem timed_end
    .code64
    .text
    ",
    options(att_syntax)
);

unsafe extern "C" {
    static payload: [u8; 0];
    static payload_end: [u8; 0];
}

/// Where the payload is in the domain, and the page of its results.
const PAYLOAD: u64 = 0x1_0000;
const RESULTS: u64 = 0x2_0000;
/// Entries of the payload.
pub const TRIPLE_FAULT: u64 = 1;
pub const LOOP: u64 = 2;
pub const PAUSE: u64 = 3;
pub const MASKED: u64 = 4;
pub const PAE: u64 = 5;
pub const HOSTILE: u64 = 6;
pub const SLEEPER: u64 = 7;
pub const EXITS: u64 = 8;
/// Bytes between them.
const ENTRY: u64 = 16;
/// The domain's memory: 2 MiB.
const PAGES: u64 = 512;
/// Its virtual CPUs; all but the first wait for a message.
const VCPUS: u32 = 2;
/// Memory for its nested page tables.
const TABLES: u64 = 1 << 20;
/// What `ERESTART` looks like to the caller of domctl.
const ERESTART: i64 = -85;
/// How long a domain may take for what it has to do, in milliseconds.
const PATIENCE: u64 = 3_000;

/// A domain of the payload's.
pub struct Domain {
    id: u16,
    /// Its page of results, mapped here.
    results: u64,
}

/// What it is left with: its state for the toolstack.
#[repr(C)]
struct State {
    header: HvmSaveDescriptor,
    head: HvmSaveHeader,
    cpu: HvmSaveDescriptor,
    registers: HvmHwCpu,
    end: HvmSaveDescriptor,
}

fn done(result: i64) -> Result<(), i64> {
    if result < 0 { Err(result) } else { Ok(()) }
}

/// One domain control operation.
fn domctl(cmd: u32, domain: u16, fill: impl FnOnce(&mut Domctl)) -> Result<Domctl, i64> {
    let mut op = Domctl { cmd, interface_version: XEN_DOMCTL_INTERFACE_VERSION, domain, ..Domctl::default() };
    fill(&mut op);
    loop {
        let argument = (&raw mut op) as u64;
        // SAFETY: Xen reads and writes at most the structure and the buffers that callers name in it, which live on.
        match unsafe { hypercall::raw(HYPERVISOR_DOMCTL, [argument, 0, 0, 0, 0]) } {
            ERESTART => {}
            result => return done(result).map(|()| op),
        }
    }
}

/// How many frames nobody has.
pub fn free_pages() -> u64 {
    let mut op = Sysctl {
        cmd: XEN_SYSCTL_PHYSINFO,
        interface_version: XEN_SYSCTL_INTERFACE_VERSION,
        ..Sysctl::default()
    };
    let argument = (&raw mut op) as u64;
    // SAFETY: Xen reads and writes at most the structure.
    match unsafe { hypercall::raw(HYPERVISOR_SYSCTL, [argument, 0, 0, 0, 0]) } {
        0 => op.get::<SysctlPhysinfo>().free_pages,
        error => guest_lib::boot::die(format_args!("physinfo: {error}")),
    }
}

impl Domain {
    /// A domain with memory and the payload, which starts at `entry` when it is [let go](Self::unpause).
    pub fn new(entry: u64) -> Result<Self, i64> {
        let config = DomctlCreatedomain {
            flags: XEN_DOMCTL_CDF_HVM | XEN_DOMCTL_CDF_HAP,
            max_vcpus: VCPUS,
            max_evtchn_port: 1023,
            max_grant_frames: 4,
            max_maptrack_frames: 0,
            grant_opts: 1,
            arch: guest_lib::abi::arch_x86::ArchDomainconfig {
                emulation_flags: XEN_X86_EMU_LAPIC,
                ..Default::default()
            },
            ..DomctlCreatedomain::default()
        };
        let id = domctl(XEN_DOMCTL_CREATEDOMAIN, 0, |op| op.put(&config))?.domain;
        let domain = Self { id, results: mmu::alloc_page() };
        domain.furnish(entry).inspect_err(|_| domain.destroy().unwrap_or(()))?;
        Ok(domain)
    }

    fn furnish(&self, entry: u64) -> Result<(), i64> {
        domctl(XEN_DOMCTL_MAX_VCPUS, self.id, |op| op.put(&DomctlMaxVcpus { max: VCPUS }))?;
        domctl(XEN_DOMCTL_MAX_MEM, self.id, |op| op.put(&DomctlMaxMem { max_memkb: 4096 }))?;
        domctl(XEN_DOMCTL_SET_PAGING_MEMPOOL_SIZE, self.id, |op| {
            op.put(&DomctlPagingMempool { size: TABLES });
        })?;
        self.populate()?;
        self.copy_payload()?;
        self.map(self.results, RESULTS)?;
        (0..mmu::PAGE).step_by(8).for_each(|n| mmu::store(self.results + n, 0));
        self.set_state(entry)
    }

    /// Memory page by page, so that the nested tables have all levels.
    fn populate(&self) -> Result<(), i64> {
        let mut frames = [0u64; PAGES as usize];
        frames.iter_mut().zip(0..).for_each(|(frame, n)| *frame = n);
        let mut reservation = MemoryReservation {
            extent_start: GuestHandle(frames.as_mut_ptr() as u64),
            nr_extents: PAGES,
            extent_order: 0,
            mem_flags: 0,
            domid: self.id,
            _pad: [0; 3],
        };
        let count = hypercall::memory(XENMEM_POPULATE_PHYSMAP, &mut reservation);
        if count == PAGES as i64 { Ok(()) } else { Err(count.min(-1)) }
    }

    /// Shows a page of the domain at the address of a page of the pool.
    fn map(&self, at: u64, guest_physical: u64) -> Result<(), i64> {
        let slot = mmu::entry_address(at, 1).ok_or(-1i64)?;
        let mut update = [MmuUpdate { ptr: mmu::machine(slot), val: guest_physical | mmu::RW }];
        done(hypercall::mmu_update(&mut update, self.id).0)?;
        done(hypercall::mmuext(MMUEXT_INVLPG_LOCAL, at, 0))
    }

    /// Shows the page of the pool itself again.
    fn unmap(at: u64) -> Result<(), i64> {
        done(mmu::map(at, mmu::mfn(at), mmu::RW))
    }

    fn copy_payload(&self) -> Result<(), i64> {
        let (from, to) = ((&raw const payload) as u64, (&raw const payload_end) as u64);
        let window = mmu::alloc_page();
        for offset in (0..to - from).step_by(mmu::PAGE as usize) {
            self.map(window, PAYLOAD + offset)?;
            // SAFETY: the payload begins at a page; what follows its end on the last one is constant data, too.
            let words =
                (0..mmu::PAGE).step_by(8).map(|n| (n, unsafe { *((from + offset + n) as *const u64) }));
            words.for_each(|(n, word)| mmu::store(window + n, word));
        }
        Self::unmap(window)?;
        mmu::free_page(window);
        Ok(())
    }

    /// Registers as a PVH guest starts with them: 32-bit protected mode without paging.
    fn set_state(&self, entry: u64) -> Result<(), i64> {
        let describe =
            |typecode, size: usize| HvmSaveDescriptor { typecode, instance: 0, length: size as u32 };
        let mut state = State {
            header: describe(HVM_SAVE_CODE_HEADER, size_of::<HvmSaveHeader>()),
            head: HvmSaveHeader { magic: HVM_FILE_MAGIC, version: HVM_FILE_VERSION, ..Default::default() },
            cpu: describe(HVM_SAVE_CODE_CPU, size_of::<HvmHwCpu>()),
            registers: registers(PAYLOAD + entry * ENTRY),
            end: describe(HVM_SAVE_CODE_END, 0),
        };
        let buffer = GuestHandle((&raw mut state) as u64);
        let context = DomctlHvmcontext { size: size_of::<State>() as u32, _pad0: [0; 4], buffer };
        domctl(XEN_DOMCTL_SETHVMCONTEXT, self.id, |op| op.put(&context)).map(drop)
    }

    /// Lets the domain run.
    pub fn unpause(&self) -> Result<(), i64> {
        domctl(XEN_DOMCTL_UNPAUSEDOMAIN, self.id, |_| ()).map(drop)
    }

    /// Stops it.
    pub fn pause(&self) -> Result<(), i64> {
        domctl(XEN_DOMCTL_PAUSEDOMAIN, self.id, |_| ()).map(drop)
    }

    /// What Xen says about it.
    pub fn info(&self) -> Result<DomctlGetdomaininfo, i64> {
        Ok(domctl(XEN_DOMCTL_GETDOMAININFO, self.id, |_| ())?.get())
    }

    /// Waits until it has shut itself down; the reason, or `None` when it takes too long.
    pub fn reason(&self) -> Option<u32> {
        let mut flags = 0;
        time::wait_for(PATIENCE, || {
            flags = self.info().map_or(0, |i| i.flags);
            flags & XEN_DOMINF_SHUTDOWN != 0
        })
        .then_some(flags >> XEN_DOMINF_SHUTDOWNSHIFT & XEN_DOMINF_SHUTDOWNMASK)
    }

    /// A word of its results.
    pub fn word(&self, n: u64) -> u32 {
        // SAFETY: the page is mapped while the domain is there; the domain writes words.
        unsafe { ((self.results + n * 4) as *const u32).read_volatile() }
    }

    /// Changes a word of its results.
    pub fn set_word(&self, n: u64, value: u32) {
        // SAFETY: as above.
        unsafe { ((self.results + n * 4) as *mut u32).write_volatile(value) }
    }

    /// Ends it, and gives its memory back.
    pub fn destroy(&self) -> Result<(), i64> {
        Self::unmap(self.results)?;
        mmu::free_page(self.results);
        domctl(XEN_DOMCTL_DESTROYDOMAIN, self.id, |_| ()).map(drop)
    }
}

fn registers(rip: u64) -> HvmHwCpu {
    HvmHwCpu {
        rip,
        rflags: 2,
        cr0: 0x11,
        dr6: 0xffff_0ff0,
        dr7: 0x400,
        cs_limit: u32::MAX,
        ds_limit: u32::MAX,
        es_limit: u32::MAX,
        ss_limit: u32::MAX,
        tr_limit: 0x67,
        cs_arbytes: 0xc9b,
        ds_arbytes: 0xc93,
        es_arbytes: 0xc93,
        ss_arbytes: 0xc93,
        tr_arbytes: 0x8b,
        ..HvmHwCpu::default()
    }
}
