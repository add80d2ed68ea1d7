//! Writes Dom0's start-of-day memory as planned and says how to start it.

use core::ops::Range;

use fx_types::{Maddr, Mfn, PAGE_SIZE, Pfn, PhysMem};
use xen_abi::xen::{
    Dom0VgaConsoleInfo, MAX_GUEST_CMDLINE, SIF_INITDOMAIN, SIF_MOD_START_PFN, SIF_PRIVILEGED,
    StartConsoleDom0, StartInfo,
};
use zerocopy::{FromZeros, IntoBytes};

use crate::tables::{PAGE_RO, PAGE_RW, entry, map};
use crate::{InitrdSource, KernelInfo, Layout, LoadError, hypercall_page, populate};

/// Interface version and platform of a 64-bit PV guest.
const MAGIC: &[u8] = b"xen-3.0-x86_64";

/// The domain's memory, of which all frames are allocated.
pub trait DomainMemory {
    /// Access to real memory.
    type Mem: PhysMem;

    /// Real memory.
    fn mem(&self) -> &Self::Mem;
    /// The machine frame of the domain's frame `pfn`, below [`Layout::nr_pages`].
    fn mfn_of(&self, pfn: u64) -> Mfn;
    /// Enters a frame into the machine-to-physical table.
    fn set_m2p(&self, mfn: Mfn, pfn: Pfn);
    /// Writes the hypervisor's slots (256 to 271) of the root page table.
    fn fill_hypervisor_slots(&self, l4: Mfn);
}

/// What Dom0 is told at its start.
#[derive(Clone, Copy, Debug)]
pub struct BuildParams<'a> {
    /// Pages of the domain.
    pub nr_pages: u64,
    /// Machine address of the shared information page.
    pub shared_info: Maddr,
    /// Command line; cut to 1023 bytes.
    pub cmdline: &'a [u8],
    /// `SIF_*` on top of those of an initial domain (power management).
    pub flags: u32,
    /// The display, when there is one.
    pub vga: Option<Dom0VgaConsoleInfo>,
}

/// A built Dom0. Its vCPU 0 starts at `entry` with RSP = `stack`, RSI = `start_info_va` and CR3 = `l4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Virtual address of the entry.
    pub entry: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Virtual address of the start information.
    pub start_info_va: u64,
    /// The root page table, to be validated and pinned.
    pub l4: Mfn,
    /// Frames of the bootstrap page tables, mapped read-only.
    pub table_pfns: Range<u64>,
    /// Frames of the page tables of the p2m's own region, mapped nowhere.
    pub p2m_table_pfns: Range<u64>,
    /// The hypercall page, when the kernel has one.
    pub hypercall_page: Option<(u64, Mfn)>,
    /// Whether the command line was cut; worth a warning.
    pub cmdline_truncated: bool,
    /// Where everything is.
    pub layout: Layout,
}

/// Builds Dom0 in the memory of `d`. Frames that hold nothing of the start-of-day memory are left as they are.
///
/// # Errors
/// [`LoadError`] when the memory does not suffice or the kernel's addresses leave no room; nothing was written then.
pub fn build<D: DomainMemory>(
    d: &D,
    kernel: &KernelInfo<'_>,
    initrd: InitrdSource<'_>,
    params: &BuildParams<'_>,
) -> Result<Built, LoadError> {
    let layout = Layout::plan(kernel, initrd.len(), params.nr_pages)?;
    for s in &kernel.segments {
        populate::segment(d, &layout, s);
    }
    populate::initrd(d, &layout, initrd);
    populate::p2m(d, &layout);
    let hypercall_page = kernel.notes.hypercall_page.map(|va| (va, write_hypercall_page(d, layout.pfn(va))));
    let cmdline_truncated = write_start_info(d, &layout, params);
    d.mem().zero_frame(d.mfn_of(layout.pfn(layout.stack.wrapping_sub(PAGE_SIZE))));
    let l4 = write_tables(d, &layout);
    Ok(Built {
        entry: kernel.entry,
        stack: layout.stack,
        start_info_va: layout.start_info_va,
        l4,
        table_pfns: layout.table_pfns(),
        p2m_table_pfns: match &layout.p2m_tables {
            Some(_) => layout.p2m_region().start..layout.p2m_pfns.start,
            None => 0..0,
        },
        hypercall_page,
        cmdline_truncated,
        layout,
    })
}

fn write_hypercall_page<D: DomainMemory>(d: &D, pfn: u64) -> Mfn {
    let mfn = d.mfn_of(pfn);
    d.mem().write(mfn.addr(), &hypercall_page());
    mfn
}

/// Writes the page tables; the root's frame.
fn write_tables<D: DomainMemory>(d: &D, layout: &Layout) -> Mfn {
    let own = layout.table_pfns();
    let root = d.mfn_of(own.start);
    d.mem().zero_frame(root);
    map(d, own.start, own.start.wrapping_add(1), &(layout.v_start..layout.v_end), |pfn| {
        entry(d, pfn, if own.contains(&pfn) { PAGE_RO } else { PAGE_RW })
    });
    if layout.p2m_tables.is_some() {
        let frames = &layout.p2m_pfns;
        let len = frames.end.wrapping_sub(frames.start).wrapping_mul(PAGE_SIZE);
        let range = layout.p2m_va..layout.p2m_va.wrapping_add(len);
        map(d, own.start, layout.p2m_region().start, &range, |n| {
            entry(d, frames.start.wrapping_add(n), PAGE_RW)
        });
    }
    d.fill_hypervisor_slots(root);
    root
}

/// Writes the start information and the console's behind it; whether the command line was cut.
fn write_start_info<D: DomainMemory>(d: &D, layout: &Layout, params: &BuildParams<'_>) -> bool {
    let frame = d.mfn_of(layout.pfn(layout.start_info_va));
    d.mem().zero_frame(frame);
    let mut si = StartInfo::new_zeroed();
    copy_prefix(&mut si.magic, MAGIC);
    si.nr_pages = params.nr_pages;
    si.shared_info = params.shared_info.0;
    si.flags = SIF_PRIVILEGED | SIF_INITDOMAIN | params.flags;
    si.pt_base = layout.tables_va;
    si.nr_pt_frames = layout.tables.total();
    si.mfn_list = layout.p2m_va;
    if layout.initrd_len != 0 {
        si.mod_len = layout.initrd_len;
        si.mod_start = layout.initrd_pfns.start;
        if layout.initrd_mapped {
            si.mod_start = layout.v_start.wrapping_add(si.mod_start.wrapping_mul(PAGE_SIZE));
        } else {
            si.flags |= SIF_MOD_START_PFN;
        }
    }
    let region = layout.p2m_region();
    si.first_p2m_pfn = region.start;
    si.nr_p2m_frames = region.end.wrapping_sub(region.start);
    const ROOM: usize = MAX_GUEST_CMDLINE - 1;
    copy_prefix(&mut si.cmd_line, params.cmdline.get(..ROOM).unwrap_or(params.cmdline));
    if let Some(vga) = &params.vga {
        let info_off = size_of::<StartInfo>() as u32;
        let info_size = size_of::<Dom0VgaConsoleInfo>() as u32;
        si.set_console_dom0(StartConsoleDom0 { info_off, info_size, _pad: [0; 2] });
        d.mem().write(frame.at(u64::from(info_off)), vga.as_bytes());
    }
    d.mem().write(frame.addr(), si.as_bytes());
    params.cmdline.len() > ROOM
}

fn copy_prefix(to: &mut [u8], from: &[u8]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t = *f;
    }
}
