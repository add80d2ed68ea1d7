//! Frames that something took which is not finished: they go back unless it comes to be.

use alloc::sync::Arc;
use alloc::vec::Vec;

use fx_frames::FrameList;
use fx_types::{DomId, Errno, Mfn, Result};

use crate::host::Host;
use crate::hvm::HvmDomain;
use crate::hw::Hw;

/// The frames, and the order of each block of them.
pub(crate) struct Taken<'a, H: Hw> {
    host: &'a Host<H>,
    frames: Vec<(Mfn, u8)>,
}

impl<'a, H: Hw> Taken<'a, H> {
    /// None yet.
    pub(crate) fn new(host: &'a Host<H>) -> Self {
        Self { host, frames: Vec::new() }
    }

    fn note(&mut self, order: u8, take: impl FnOnce(&Host<H>) -> Result<Mfn>) -> Result<Mfn> {
        self.frames.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let mfn = take(self.host)?;
        self.frames.push((mfn, order));
        Ok(mfn)
    }

    /// [`Host::alloc_shared`]. The list is nobody's when this goes back.
    pub(crate) fn shared(&mut self, d: DomId, list: &mut FrameList) -> Result<Mfn> {
        self.note(0, |host| host.alloc_shared(d, list))
    }

    /// [`Host::alloc_own`].
    pub(crate) fn own(&mut self, order: u8) -> Result<Mfn> {
        self.note(order, |host| host.alloc_own(order))
    }

    /// The container of a domain, whose nested page tables begin with a frame.
    pub(crate) fn container(&mut self, id: DomId, emulation: u32) -> Result<Arc<HvmDomain>> {
        let mut made = None;
        self.note(0, |host| {
            let h = host.new_container(id, emulation)?;
            let root = h.p2m.root();
            made = Some(h);
            Ok(root)
        })?;
        made.ok_or(Errno::ENOMEM)
    }

    /// It is finished: whoever has it releases them from now on.
    pub(crate) fn keep(mut self) {
        self.frames.clear();
    }
}

impl<H: Hw> Drop for Taken<'_, H> {
    fn drop(&mut self) {
        for (mfn, order) in &self.frames {
            self.host.free_own(*mfn, *order);
        }
    }
}
