//! A domain's frames: their types, the hypercall page, log-dirty mode.

use fx_frames::{FrameInfo, FrameType};
use fx_pagetables::{get_typed, put_typed};
use fx_types::{Errno, GuestVirtExt, Mfn};
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlGetpageframeinfo3, DomctlHypercallInit, DomctlShadowOp};

use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// The most frames of one call.
const MAX_FRAMES: u64 = 1024;

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

    /// PV domains have no log-dirty mode (it takes shadow page tables), so there is none to switch off either.
    pub(super) fn domctl_shadow(op: &Domctl) -> Outcome {
        let a: DomctlShadowOp = op.get();
        Err(match a.op {
            d::XEN_DOMCTL_SHADOW_OP_ENABLE
            | d::XEN_DOMCTL_SHADOW_OP_ENABLE_TEST
            | d::XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY => Errno::EOPNOTSUPP,
            _ => Errno::EINVAL,
        })
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
