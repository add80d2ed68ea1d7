//! HVM and PVH domains: guests in a hardware container.

mod control_regs;
pub mod dirty;
mod emulate;
mod exits;
mod interrupts;
pub mod ioreq;
mod length;
mod memory;
mod msr;
pub mod on_demand;
pub mod physmap;
mod platform;
mod ports;
mod run;
mod save;
mod scratch;
mod start;
mod state;
mod viridian;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use fx_p2m::P2m;
use fx_sync::Lock;
use fx_types::{DomId, Errno, Own32, Result};
use fx_vdev::lapic::Lapic;
use fx_vdev::mtrr::Mtrr;
use fx_viridian::{DomainState, VcpuState};
use fx_virt::{Setup, Vendor, Virt};
use xen_abi::hvm_params::{HVM_NR_PARAMS, HVM_PARAM_TRIPLE_FAULT_REASON};

use crate::host::Host;
use crate::hw::Hw;
use crate::vcpu::Vcpu;
use dirty::Dirty;
use ioreq::{Io, IoreqServers};
use on_demand::OnDemand;
use physmap::{Nested, Pool};
use platform::Platform;
pub(crate) use scratch::SCRATCH;
use scratch::Scratch;
pub(crate) use viridian::is_marked;

/// What an HVM or PVH domain has besides what every domain has.
pub struct HvmDomain {
    /// Its number.
    pub id: DomId,
    /// The devices that the hypervisor emulates for it (`XEN_X86_EMU_*`).
    pub emulation: u32,
    /// Its guest-physical memory.
    pub p2m: P2m,
    /// Frames for that.
    pub pool: Pool,
    /// `HVM_PARAM_*`.
    pub params: [AtomicU64; HVM_NR_PARAMS as usize],
    /// Device models that answer its accesses.
    pub ioreq: IoreqServers,
    /// Memory that it gets when it touches it.
    pub on_demand: Lock<OnDemand>,
    /// What it has written.
    pub dirty: Lock<Dirty>,
    /// Some of its writes are noted.
    pub dirty_on: AtomicBool,
    /// Its interrupt controllers, timers and clock.
    pub(crate) platform: Option<Platform>,
    /// What it has of Hyper-V's interface.
    pub(crate) viridian: Lock<DomainState>,
    /// Where the teardown of its guest-physical memory goes on.
    pub teardown: Lock<Teardown>,
}

/// How far the teardown of guest-physical memory is.
#[derive(Default)]
pub struct Teardown {
    next: u64,
    done: bool,
}

/// What a vCPU of such a domain has besides what every vCPU has.
pub struct HvmVcpu {
    /// The processor's record of it, an `H::Context`: domains need not be generic over the machine for this one field.
    context: Box<dyn Any + Send + Sync>,
    /// Its local APIC.
    pub lapic: Lock<Lapic>,
    /// What may be delivered has to be looked at before it is entered.
    pub attention: AtomicBool,
    /// `HVMOP_set_evtchn_upcall_vector`; 0 for none.
    pub upcall_vector: AtomicU32,
    /// Its memory types, which have no effect: nested paging decides.
    pub mtrr: Lock<Mtrr>,
    /// The page that a start-up message told it to start at, if it has not yet.
    start_at: AtomicU32,
    /// Native forms of its 32-bit code's arguments.
    pub(crate) scratch: Scratch,
    /// What it has done with devices in an instruction that is not complete.
    pub io: Io,
    /// How far its time stamp counter is from its domain's.
    pub(crate) tsc_offset: AtomicU64,
    /// `IA32_TSC_ADJUST`: how much of that it has asked for.
    pub(crate) tsc_adjust: AtomicU64,
    /// What it has of Hyper-V's interface.
    pub(crate) viridian: Lock<VcpuState>,
    /// Its debug registers 0–3 are in the processor.
    debug_loaded: Own32,
}

impl HvmVcpu {
    /// What may be delivered has changed.
    pub(crate) fn look(&self) {
        self.attention.store(true, Ordering::SeqCst);
    }
}

impl HvmDomain {
    /// A parameter's value, 0 for one that there is not.
    pub(crate) fn param(&self, index: u32) -> u64 {
        self.params.get(index as usize).map_or(0, |p| p.load(Ordering::Acquire))
    }
}

/// Exceptions that a guest can make the processor deliver again and again without ever executing an instruction (#DB, #AC), so that
/// nothing would stop it; and machine checks, which are the hypervisor's.
const ENDLESS: u32 = 1 << 1 | 1 << 17 | 1 << 18;

/// The APIC id of a vCPU, as Xen numbers them.
pub(crate) const fn apic_id(vcpu: u32) -> u32 {
    vcpu.wrapping_mul(2)
}

/// The contents of a hypercall page, with the instruction that the vendor's processors stop for.
pub(crate) fn hypercall_page(vendor: Vendor) -> [u8; 4096] {
    fx_loader::hvm_hypercall_page(hypercall_instruction(vendor))
}

/// That instruction.
const fn hypercall_instruction(vendor: Vendor) -> [u8; 3] {
    match vendor {
        Vendor::Svm => fx_loader::VMMCALL,
        Vendor::Vmx => fx_loader::VMCALL,
    }
}

impl<H: Hw> Host<H> {
    /// The hardware container of a new domain with the emulated devices `emulation`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` without hardware virtualisation, `ENOMEM`.
    pub(crate) fn new_container(&self, id: DomId, emulation: u32) -> Result<Arc<HvmDomain>> {
        let features = self.hw.virt().ok_or(Errno::EOPNOTSUPP)?;
        let pool = Pool::default();
        let p2m = P2m::new(&Nested::new(self, &pool), features.into())?;
        let root = p2m.root();
        let d = HvmDomain {
            id,
            emulation,
            p2m,
            pool,
            params: [const { AtomicU64::new(0) }; HVM_NR_PARAMS as usize],
            ioreq: IoreqServers::default(),
            on_demand: Lock::default(),
            dirty: Lock::default(),
            dirty_on: AtomicBool::new(false),
            platform: Platform::new(emulation, self.platform_time()),
            viridian: Lock::default(),
            teardown: Lock::default(),
        };
        if let Some(reason) = d.params.get(HVM_PARAM_TRIPLE_FAULT_REASON as usize) {
            reason.store(u64::from(xen_abi::sched::SHUTDOWN_REBOOT), Ordering::Relaxed);
        }
        fx_types::try_arc(d).inspect_err(|_| self.free_own(root, 0))
    }

    /// The container of a new vCPU.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn new_hvm_vcpu(&self, d: &HvmDomain, id: u32) -> Result<HvmVcpu> {
        let context = self.hw.new_context(&Setup { nested_root: d.p2m.root(), vcpu: id })?;
        msr::pass_own(&self.hw, &context);
        self.hw.intercept_exceptions(&context, ENDLESS);
        Ok(HvmVcpu {
            context: Box::new(context),
            lapic: Lock::new(Lapic::new(apic_id(id), id == 0)),
            attention: AtomicBool::new(true),
            upcall_vector: AtomicU32::new(0),
            mtrr: Lock::new(Mtrr::new(self.guest_address_bits())),
            start_at: AtomicU32::new(0),
            scratch: Scratch::default(),
            io: Io::default(),
            tsc_offset: AtomicU64::new(0),
            tsc_adjust: AtomicU64::new(0),
            viridian: Lock::default(),
            debug_loaded: Own32::new(0),
        })
    }

    /// The processor's record of a vCPU; none of a PV one.
    #[inline]
    pub(crate) fn context<'a>(&self, v: &'a Vcpu) -> Option<&'a H::Context> {
        v.hvm.as_ref().and_then(|h| h.context.downcast_ref())
    }
}

impl<H: Hw> Host<H> {
    /// Calls of one context never overlap: its vCPU is current here, or stands still for the caller.
    #[inline]
    pub(crate) fn with_context<R>(&self, v: &Vcpu, act: impl FnOnce(&H, &H::Context) -> R) -> Result<R>
    where
        H: Virt,
    {
        self.context(v).map(|c| act(&self.hw, c)).ok_or(Errno::EINVAL)
    }
}
