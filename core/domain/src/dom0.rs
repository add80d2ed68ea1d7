//! Building the first domain from the kernel and ramdisk that the boot loader brought.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use fx_frames::{FrameType, Zone};
use fx_loader::{BuildParams, DomainMemory, InitrdSource, KernelInfo};
use fx_pagetables::get_typed;
use fx_types::{DomId, Errno, GuestRegs, Maddr, Mfn, Pfn, Result};
use xen_abi::arch_x86::{FLAT_RING3_CS64, FLAT_RING3_SS64};

use crate::domain::Domain;
use crate::host::Host;
use crate::hw::{Hw, Segments};
use crate::lifecycle::Create;
use crate::pools::POOL;
use crate::ranges::Ranges;

/// Ports that the hypervisor keeps for itself: interrupt controllers, their trigger modes, the timer.
const OWN_PORTS: [(u64, u64); 4] = [(0x20, 0x21), (0xa0, 0xa1), (0x4d0, 0x4d1), (0x40, 0x43)];

/// What the boot loader brought for Dom0.
pub struct Dom0<'a> {
    /// The kernel's file.
    pub kernel: &'a [u8],
    /// Where the ramdisk is, and its length.
    pub initrd: Option<(Maddr, u64)>,
    /// The kernel's command line.
    pub cmdline: &'a [u8],
    /// Pages to start with.
    pub pages: u64,
    /// Pages at most.
    pub max_pages: u64,
    /// vCPUs.
    pub vcpus: u32,
    /// Ports of the hypervisor's serial lines, first and last.
    pub console_ports: &'a [(u16, u16)],
}

/// The domain's memory while it is being built.
struct Memory<'a, H: Hw> {
    host: &'a Host<H>,
    mfns: Vec<u32>,
}

impl<H: Hw> DomainMemory for Memory<'_, H> {
    type Mem = H;

    fn mem(&self) -> &H {
        &self.host.hw
    }

    #[inline]
    fn mfn_of(&self, pfn: u64) -> Mfn {
        Mfn(self.mfns.get(pfn as usize).map_or(u64::MAX, |m| u64::from(*m)))
    }

    #[inline]
    fn set_m2p(&self, mfn: Mfn, pfn: Pfn) {
        self.host.hw.set_m2p(mfn, pfn.0);
    }

    fn fill_hypervisor_slots(&self, l4: Mfn) {
        fx_pagetables::PtHost::fill_hypervisor_slots(self.host, l4);
    }
}

impl<H: Hw> Host<H> {
    /// Builds Dom0 and lets it run.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to do.
    pub fn build_dom0(&self, image: &Dom0<'_>) -> core::result::Result<Arc<Domain>, String> {
        let elf = fx_loader::unpack(image.kernel).map_err(|e| format!("{e}"))?;
        let kernel = KernelInfo::parse(&elf).map_err(|e| format!("{e}"))?;
        kernel.check_dom0().map_err(|e| format!("{e}"))?;
        self.log(format_args!(
            "Dom0 kernel: {} {}, entry {:#x}",
            kernel.notes.guest_os.unwrap_or("unnamed"),
            kernel.notes.guest_version.unwrap_or(""),
            kernel.entry
        ));
        let d = self.create_dom0(image).map_err(|e| format!("Dom0 cannot be created: {e}"))?;
        let (pages, max) = (image.pages, image.max_pages);
        let mfns = self.dom0_memory(&d, pages, max)?;
        let memory = Memory { host: self, mfns };
        let initrd = match image.initrd {
            Some((start, len)) => InitrdSource::Machine { start, len },
            None => InitrdSource::None,
        };
        let params = BuildParams {
            nr_pages: pages,
            shared_info: d.shared_info(),
            cmdline: image.cmdline,
            flags: 0,
            vga: self.firmware.display,
        };
        let built = fx_loader::build(&memory, &kernel, initrd, &params).map_err(|e| format!("{e}"))?;
        if built.cmdline_truncated {
            self.log(format_args!("Dom0's command line was longer than 1023 bytes and is cut"));
        }
        self.start_dom0(&d, &built).map_err(|e| format!("Dom0's first page tables are not accepted: {e}"))?;
        self.log(format_args!("Dom0 has {pages} pages, {} vCPUs", d.vcpus.len()));
        Ok(d)
    }

    fn create_dom0(&self, image: &Dom0<'_>) -> Result<Arc<Domain>> {
        let d = self.create_domain(&Create {
            id: DomId(0),
            privileged: true,
            hardware: true,
            flags: 0,
            container: None,
            pool: POOL,
            handle: [0; 16],
            ssidref: 0,
            max_vcpus: image.vcpus,
            max_evtchn_port: u32::MAX,
            max_grant_frames: self.settings.grant_frames.load(Ordering::Relaxed),
            max_maptrack_frames: self.settings.maptrack_frames.load(Ordering::Relaxed),
            max_grant_version: 2,
        })?;
        let mut rights = d.rights.lock();
        rights.ports = Ranges::all(0, 0xffff);
        for (first, last) in OWN_PORTS {
            rights.ports.remove(first, last)?;
        }
        for (first, last) in image.console_ports {
            rights.ports.remove(u64::from(*first), u64::from(*last))?;
        }
        rights.mmio = Ranges::all(0, self.last_frame());
        rights.irqs = Ranges::all(0, u64::from(u32::MAX));
        drop(rights);
        Ok(d)
    }

    fn dom0_memory(&self, d: &Arc<Domain>, pages: u64, max: u64) -> core::result::Result<Vec<u32>, String> {
        d.pages.lock().max = max.max(pages);
        let mut mfns = Vec::new();
        mfns.try_reserve_exact(pages as usize)
            .map_err(|_| String::from("no memory for Dom0's frame list"))?;
        let mut order = fx_frames::MAX_ORDER;
        while (mfns.len() as u64) < pages {
            let left = pages.wrapping_sub(mfns.len() as u64);
            if 1u64 << order > left {
                order = order.wrapping_sub(1);
                continue;
            }
            // The memory's contents from before this boot were this machine's own; Dom0 is who could read them anyway.
            match self.alloc_domain(d, order, Zone::Any, false) {
                Ok(mfn) => mfns.extend((0..1u64 << order).map(|i| mfn.add(i).0 as u32)),
                Err(_) if order > 0 => order = order.wrapping_sub(1),
                Err(_) => {
                    let mib = pages / 256;
                    return Err(format!(
                        "{mib} MiB for Dom0 are more than there are: give it less by dom0_mem="
                    ));
                }
            }
        }
        Ok(mfns)
    }

    fn start_dom0(&self, d: &Arc<Domain>, built: &fx_loader::Built) -> Result {
        let v = d.vcpu(0).ok_or(Errno::EINVAL)?;
        // The kernel unpins the tables that it was started with.
        fx_pagetables::pin(self, built.l4, d.id, 4)?;
        get_typed(self, built.l4, d.id, FrameType::L4)?;
        v.pv.kernel_l4.set(built.l4.0);
        self.set_start_registers(v, built);
        v.initialised.store(true, Ordering::Release);
        v.down.store(false, Ordering::Release);
        d.created.store(true, Ordering::Release);
        d.tool_pauses.store(0, Ordering::Release);
        Ok(())
    }

    fn set_start_registers(&self, v: &crate::vcpu::Vcpu, built: &fx_loader::Built) {
        const IF: u64 = 1 << 9;
        self.hw.store8(v.info().add(1), 1);
        for (slot, value) in v.pv.debug.iter().zip([0, 0, 0, 0, 0xffff_0ff0, 0x400]) {
            slot.set(value);
        }
        let mut s = v.saved.lock();
        s.segments = Segments::default();
        s.regs = GuestRegs {
            rip: built.entry,
            rsp: built.stack,
            rsi: built.start_info_va,
            cs: u64::from(FLAT_RING3_CS64),
            ss: u64::from(FLAT_RING3_SS64),
            rflags: IF | 2,
            ..GuestRegs::default()
        };
    }
}
