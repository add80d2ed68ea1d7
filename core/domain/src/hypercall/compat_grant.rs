//! `grant_table_op` of 32-bit code.

use fx_types::{Errno, GuestVirtExt};
use xen_abi::grant_table as g;
use xen_abi::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::compat::ARRAY;
use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hvm::SCRATCH;
use crate::hw::Hw;

/// Elements of an array that are translated at a time.
const PIECE: u64 = 128;

/// `gnttab_setup_table` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct SetupTable {
    dom: u16,
    pad: u16,
    nr_frames: u32,
    status: i16,
    pad2: u16,
    frame_list: u32,
}

/// An end of a copy, as 32-bit guests have it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct CopyPtr {
    what: u32,
    domid: u16,
    offset: u16,
}

/// `gnttab_copy` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Copy {
    source: CopyPtr,
    dest: CopyPtr,
    len: u16,
    flags: u16,
    status: i16,
    pad: u16,
}

impl CopyPtr {
    fn native(self) -> g::GnttabCopyPtr {
        g::GnttabCopyPtr { u: self.what.into(), domid: self.domid, offset: self.offset, ..Default::default() }
    }
}

impl<H: Hw> Host<H> {
    /// `grant_table_op(command, list, count)`.
    pub(super) fn compat_grant_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, list, count, ..] = *args;
        match command as u32 {
            // The same structures in both.
            g::GNTTABOP_MAP_GRANT_REF
            | g::GNTTABOP_UNMAP_GRANT_REF
            | g::GNTTABOP_QUERY_SIZE
            | g::GNTTABOP_SET_VERSION
            | g::GNTTABOP_GET_VERSION
            | g::GNTTABOP_SWAP_GRANT_REF => self.grant_table_op(c, args),
            g::GNTTABOP_SETUP_TABLE if count == 1 => self.compat_setup_table(c, command, list),
            g::GNTTABOP_SETUP_TABLE => Err(Errno::EINVAL),
            g::GNTTABOP_COPY => self.compat_copies(c, args),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn compat_setup_table(&self, c: &VcpuRef, command: u64, arg: u64) -> Answer {
        let t: SetupTable = self.guest(c).read_val(arg)?;
        if u64::from(t.nr_frames) > PIECE {
            return Err(Errno::EINVAL);
        }
        let native = g::GnttabSetupTable {
            dom: t.dom,
            nr_frames: t.nr_frames,
            frame_list: GuestHandle(ARRAY),
            ..Default::default()
        };
        self.with_native(c, &native, |at| self.grant_table_op(c, &mut [command, at, 1, 0, 0]))?;
        let done: g::GnttabSetupTable = self.guest(c).read_val(SCRATCH)?;
        if done.status == g::GNTST_OKAY {
            for i in 0..u64::from(t.nr_frames) {
                let frame: u64 = self.guest(c).read_at(ARRAY, i)?;
                self.guest(c).write_at(t.frame_list.into(), i, &(frame as u32))?;
            }
        }
        self.guest(c).write_val(arg, &SetupTable { status: done.status, ..t }).map(|()| 0)
    }

    /// Copies, one after the other; some at a time.
    fn compat_copies(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, list, count, ..] = args;
        let all = u64::from(*count as u32);
        if (*count as i32) < 0 {
            return Err(Errno::EINVAL);
        }
        let now = all.min(PIECE);
        for i in 0..now {
            let one: Copy = self.guest(c).read_at(*list, i)?;
            let native = g::GnttabCopy {
                source: one.source.native(),
                dest: one.dest.native(),
                len: one.len,
                flags: one.flags,
                ..Default::default()
            };
            self.with_native(c, &native, |at| self.grant_table_op(c, &mut [*command, at, 1, 0, 0]))?;
            let done: g::GnttabCopy = self.guest(c).read_val(SCRATCH)?;
            self.guest(c).write_at(*list, i, &Copy { status: done.status, ..one })?;
        }
        if now < all {
            *list = list.wrapping_add(now.wrapping_mul(size_of::<Copy>() as u64));
            *count = all.wrapping_sub(now);
            return Err(Errno::ERESTART);
        }
        Ok(0)
    }
}
