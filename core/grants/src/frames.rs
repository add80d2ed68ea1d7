//! The frames that a table is made of: `GNTTABOP_setup_table`, `GNTTABOP_query_size`, `GNTTABOP_get_status_frames`, and the
//! grant table resource of `XENMEM_acquire_resource`.

use fx_types::{Errno, Mfn, Result, try_filled};
use xen_abi::grant_table::{GNTST_GENERAL_ERROR, GNTST_OKAY, GnttabQuerySize, GnttabSetupTable};

use crate::entry::{Active, FRAMES_PER_STATUS, Granted, TableFrame, V1_PER_FRAME};
use crate::{GrantHost, GrantTable};

impl Granted {
    /// Makes the table `frames` long, if it is shorter, with the status frames that its format needs.
    fn grow<G: GrantHost>(&mut self, host: &G, frames: usize) -> Result {
        while self.frames.len() < frames {
            if self.version == 2 {
                self.grow_status(host, self.frames.len().saturating_add(1))?;
            }
            let active = try_filled(V1_PER_FRAME, |_| Active::UNUSED)?;
            self.frames.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            self.frames.push(TableFrame { mfn: host.alloc_frame()?, active });
        }
        Ok(())
    }

    /// Adds the status frames that a table of `frames` frames needs.
    pub(crate) fn grow_status<G: GrantHost>(&mut self, host: &G, frames: usize) -> Result {
        while self.status.len() < frames.div_ceil(FRAMES_PER_STATUS) {
            self.status.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            self.status.push(host.alloc_frame()?);
        }
        Ok(())
    }
}

impl GrantTable {
    /// Makes the table at least `frames` long.
    ///
    /// # Errors
    /// `EINVAL` above the limit, `ENOMEM` (the table may have grown in part).
    pub fn grow<G: GrantHost>(&self, host: &G, frames: u32) -> Result {
        if frames > self.limits.max_grant_frames {
            return Err(Errno::EINVAL);
        }
        self.granted.lock().grow(host, frames as usize)
    }

    /// `GNTTABOP_setup_table`: grows the table and fills `op.status` in; on success the caller lists the first
    /// `op.nr_frames` of [`shared_frame`](Self::shared_frame) to the guest.
    pub fn setup_table<G: GrantHost>(&self, host: &G, op: &mut GnttabSetupTable) {
        op.status = if self.grow(host, op.nr_frames).is_ok() { GNTST_OKAY } else { GNTST_GENERAL_ERROR };
    }

    /// `GNTTABOP_query_size`.
    pub fn query_size(&self, op: &mut GnttabQuerySize) {
        op.nr_frames = self.nr_frames();
        op.max_nr_frames = self.limits.max_grant_frames;
        op.status = GNTST_OKAY;
    }

    /// How many frames of shared entries there are.
    #[must_use]
    pub fn nr_frames(&self) -> u32 {
        self.granted.lock().frames.len() as u32
    }

    /// How many status frames there are: none in format 1. `GNTTABOP_get_status_frames` of more is `GNTST_general_error`.
    #[must_use]
    pub fn nr_status_frames(&self) -> u32 {
        let granted = self.granted.lock();
        if granted.version == 2 { granted.status.len() as u32 } else { 0 }
    }

    /// Frame `index` of the shared entries.
    #[must_use]
    pub fn shared_frame(&self, index: u32) -> Option<Mfn> {
        let granted = self.granted.lock();
        granted.frames.get(index as usize).map(|f| f.mfn).filter(|_| !granted.closed)
    }

    /// Frame `index` of the status words; none in format 1.
    #[must_use]
    pub fn status_frame(&self, index: u32) -> Option<Mfn> {
        let granted = self.granted.lock();
        if granted.version == 2 && !granted.closed {
            granted.status.get(index as usize).copied()
        } else {
            None
        }
    }

    /// Frame `index` of the shared entries, growing the table when it is shorter (`XENMEM_resource_grant_table`,
    /// `XENMAPSPACE_grant_table`).
    ///
    /// # Errors
    /// `EINVAL` above the limit, `ENOMEM`.
    pub fn shared_frame_or_grow<G: GrantHost>(&self, host: &G, index: u32) -> Result<Mfn> {
        self.grow(host, index.checked_add(1).ok_or(Errno::EINVAL)?)?;
        self.shared_frame(index).ok_or(Errno::EINVAL)
    }

    /// Frame `index` of the status words, growing the table when it is shorter.
    ///
    /// # Errors
    /// `EINVAL` in format 1 or above the limit, `ENOMEM`.
    pub fn status_frame_or_grow<G: GrantHost>(&self, host: &G, index: u32) -> Result<Mfn> {
        if self.version() != 2 {
            return Err(Errno::EINVAL);
        }
        let before = index.checked_mul(FRAMES_PER_STATUS as u32).ok_or(Errno::EINVAL)?;
        self.grow(host, before.checked_add(1).ok_or(Errno::EINVAL)?)?;
        self.status_frame(index).ok_or(Errno::EINVAL)
    }

    /// How many frames of shared entries the resource can have.
    #[must_use]
    pub fn max_shared_frames(&self) -> u32 {
        self.limits.max_grant_frames
    }

    /// How many status frames the resource can have: none in format 1.
    #[must_use]
    pub fn max_status_frames(&self) -> u32 {
        if self.version() == 2 { self.limits.max_grant_frames.div_ceil(FRAMES_PER_STATUS as u32) } else { 0 }
    }

    /// Ends the table: what was granted can be given back, but its frames, which are the host's to free after this, are not looked
    /// at again.
    pub fn close(&self) {
        self.granted.lock().closed = true;
    }
}
