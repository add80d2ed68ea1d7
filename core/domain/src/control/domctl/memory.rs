//! A domain's frames: their types, the hypercall page, log-dirty mode.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_frames::{FrameInfo, FrameType};
use fx_pagetables::{get_typed, put_typed};
use fx_types::{Errno, GuestVirtExt, Mfn, Result};
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlGetpageframeinfo3, DomctlHypercallInit, DomctlShadowOp};

use super::not_self;
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hvm::physmap::Physmap;
use crate::hw::Hw;

/// The most frames of one call.
const MAX_FRAMES: u64 = 1024;
/// The most bits of one call about written frames: 64 GiB.
const MOST_PAGES: u64 = 1 << 24;
const FRAMES_PER_MIB: u64 = 256;
/// Written frames, and 64 of the others, of one pass.
const PASS: u32 = 4096;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_hypercall_page(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlHypercallInit = op.get();
        let mfn = self.frame_of(t, a.gmfn)?;
        get_typed(self, mfn, t.id, FrameType::Writable)
            .map_err(|e| if e == Errno::EBUSY { Errno::EPERM } else { e })?;
        match (t.hvm.is_some(), self.hw.virt()) {
            (true, Some(f)) => self.hw.write(mfn.addr(), &crate::hvm::hypercall_page(f.vendor)),
            _ => self.hw.write(mfn.addr(), &fx_loader::hypercall_page()),
        }
        put_typed(self, mfn);
        Ok(Reply::Done)
    }

    /// Replaces each frame number in the caller's array by the frame's type.
    pub(super) fn domctl_frame_types(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlGetpageframeinfo3 = op.get();
        if a.num > MAX_FRAMES {
            return Err(Errno::E2BIG);
        }
        for i in 0..a.num {
            let mfn: u64 = self.hw.read_at(a.array.0, i)?;
            if let Some(h) = &t.hvm {
                let ram = h.p2m.get(&self.hw, mfn).kind.is_ram();
                let kind = if ram { d::XEN_DOMCTL_PFINFO_NOTAB } else { d::XEN_DOMCTL_PFINFO_XTAB };
                self.hw.write_at(a.array.0, i, &u64::from(kind))?;
                continue;
            }
            let info = self.frames.get(Mfn(mfn)).filter(|f| f.owner() == t.id && f.word().refs() != 0);
            let kind = info.map_or(d::XEN_DOMCTL_PFINFO_XTAB, kind_of);
            self.hw.write_at(a.array.0, i, &u64::from(kind))?;
        }
        Ok(Reply::Done)
    }

    /// Log-dirty mode. PV domains have none (it takes shadow page tables), so there is none to switch off either.
    pub(super) fn domctl_shadow(&self, c: &VcpuRef, t: &Arc<Domain>, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlShadowOp = op.get();
        let Some(h) = t.hvm.as_ref() else {
            return Err(match a.op {
                d::XEN_DOMCTL_SHADOW_OP_ENABLE
                | d::XEN_DOMCTL_SHADOW_OP_ENABLE_TEST
                | d::XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY => Errno::EOPNOTSUPP,
                _ => Errno::EINVAL,
            });
        };
        match a.op {
            d::XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY => self.log_dirty(t, h, true)?,
            d::XEN_DOMCTL_SHADOW_OP_ENABLE if a.mode & d::XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY != 0 => {
                self.log_dirty(t, h, true)?;
            }
            d::XEN_DOMCTL_SHADOW_OP_OFF => self.log_dirty(t, h, false)?,
            d::XEN_DOMCTL_SHADOW_OP_CLEAN | d::XEN_DOMCTL_SHADOW_OP_PEEK => {
                self.dirty_bitmap(t, h, &mut a)?;
            }
            d::XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION => {
                a.mb = (h.pool.limit.load(Ordering::Acquire) / FRAMES_PER_MIB) as u32;
            }
            d::XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION => {
                h.pool.limit.store(u64::from(a.mb).saturating_mul(FRAMES_PER_MIB), Ordering::Release);
            }
            _ => return Err(Errno::EINVAL),
        }
        op.put(&a);
        Ok(Reply::Changed)
    }

    /// Copies out which frames were written, in as many words as the caller has room for. There is one caller at a time: who asks for
    /// the same once more after `ERESTART` gets the rest.
    fn dirty_bitmap(&self, t: &Arc<Domain>, h: &HvmDomain, a: &mut DomctlShadowOp) -> Result {
        if h.dirty.lock().log.is_none() || a.pages > MOST_PAGES {
            return Err(Errno::EINVAL);
        }
        let take = a.op == d::XEN_DOMCTL_SHADOW_OP_CLEAN;
        let end = a.pages.min(h.p2m.highest().saturating_add(1));
        let change = Physmap::new(self, t, h);
        let (mut first, mut count) = change.dirty().taking.take().unwrap_or_default();
        let mut left = PASS;
        while first < end {
            if left == 0 {
                change.dirty().taking = Some((first, count));
                return Err(Errno::ERESTART);
            }
            let inside = end.wrapping_sub(first);
            let mask = if inside >= 64 { u64::MAX } else { (1u64 << inside).wrapping_sub(1) };
            let word = self.dirty_word(&change, first, take) & mask;
            count = count.saturating_add(word.count_ones());
            if !a.dirty_bitmap.is_null() {
                let bytes = if inside >= 64 { 8 } else { inside.div_ceil(8) as usize };
                let at = a.dirty_bitmap.0.wrapping_add(first >> 3);
                self.hw.copy_out(at, word.to_le_bytes().get(..bytes).unwrap_or(&[]))?;
            }
            left = left.saturating_sub(word.count_ones().saturating_add(1));
            first = first.saturating_add(64);
        }
        if let Some(log) = change.dirty().log.as_mut().filter(|_| take) {
            log.all = false;
        }
        a.pages = end;
        (a.stats.dirty_count, a.stats.fault_count) = (count, count);
        Ok(())
    }
}

/// A frame's type as the toolstack sees it.
fn kind_of(f: &FrameInfo) -> u32 {
    let w = f.word();
    let level = if w.type_refs() == 0 { None } else { w.frame_type().level() };
    let kind = match level {
        Some(1) => d::XEN_DOMCTL_PFINFO_L1TAB,
        Some(2) => d::XEN_DOMCTL_PFINFO_L2TAB,
        Some(3) => d::XEN_DOMCTL_PFINFO_L3TAB,
        Some(_) => d::XEN_DOMCTL_PFINFO_L4TAB,
        None => d::XEN_DOMCTL_PFINFO_NOTAB,
    };
    if w.pinned() { kind | d::XEN_DOMCTL_PFINFO_LPINTAB } else { kind }
}
