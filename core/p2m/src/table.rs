//! A domain's nested page tables.
//!
//! Look-ups take no lock: an entry is one word, and a table is never freed before the tables are closed and all look-ups that
//! began before are over. Changes are made one at a time. What an entry refers to is held and let go by the host, as its kind
//! wants it.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fx_sync::Lock;
use fx_types::{Errno, Mfn, PhysMem, Result};
use fx_virt::{Features, Vendor};

use crate::entry::{Entry, Format, Kind, Slot, decode};

/// Entries of a table.
const ENTRIES: u64 = 512;
const ROOT_LEVEL: u8 = 4;

/// The composition, as a domain's nested page tables see it.
pub trait P2mHost {
    /// Real memory.
    type Mem: PhysMem;
    /// Real memory.
    fn mem(&self) -> &Self::Mem;
    /// A zeroed frame for a table; `None` when the domain has no more of them.
    fn take_table(&self) -> Option<Mfn>;
    /// Gives a table's frame back.
    fn give_table(&self, mfn: Mfn);
    /// Translations by an entry that is no more, or that gives less now, may still be in processors.
    fn stale(&self);
    /// An entry was replaced: what it held is to be let go.
    fn replaced(&self, old: &Entry);
    /// Returns when all look-ups that any CPU has begun are over.
    fn settle(&self);
}

/// What the machine's nested paging can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whose format.
    pub vendor: Vendor,
    /// With entries of 1 GiB.
    pub huge: bool,
}

impl From<Features> for Config {
    fn from(f: Features) -> Self {
        Self { vendor: f.vendor, huge: f.nested_1g }
    }
}

/// The nested page tables of a domain.
pub struct P2m {
    root: Mfn,
    format: Format,
    huge: bool,
    change: Lock<()>,
    highest: AtomicU64,
    /// The domain ends: nothing is found or changed any more.
    closed: AtomicBool,
}

impl P2m {
    /// Empty tables.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new<P: P2mHost>(host: &P, config: Config) -> Result<Self> {
        Ok(Self {
            root: host.take_table().ok_or(Errno::ENOMEM)?,
            format: Format(config.vendor),
            huge: config.huge,
            change: Lock::new(()),
            highest: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// The table that the processor starts at.
    #[must_use]
    pub fn root(&self) -> Mfn {
        self.root
    }

    /// The highest guest frame that ever was something.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// The greatest order that an entry can have.
    #[must_use]
    pub fn max_order(&self) -> u8 {
        if self.huge { 18 } else { 9 }
    }

    /// What a guest frame is: the entry that it is part of. `mfn` is that of the frame itself.
    #[must_use]
    pub fn get<M: PhysMem>(&self, mem: &M, gfn: u64) -> Entry {
        if gfn >> 36 != 0 || self.closed.load(Ordering::Acquire) {
            return Entry::NONE;
        }
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        loop {
            match decode(mem.load64(at(table, gfn, level)), level) {
                Slot::Table(next) => (table, level) = (next, level.wrapping_sub(1)),
                Slot::Leaf(e) => return part(&e, gfn),
            }
        }
    }

    /// Makes 2^`order` guest frames from `gfn` on (a multiple of that) be `mfn` and the following ones, of a kind.
    ///
    /// # Errors
    /// `EINVAL` for an order or a frame that there is not, `ENOMEM` when the domain has no frames for tables left: then part
    /// of it may be done.
    pub fn set<P: P2mHost>(&self, host: &P, gfn: u64, new: &Entry) -> Result {
        let count = 1u64.checked_shl(u32::from(new.order)).ok_or(Errno::EINVAL)?;
        let last = gfn.checked_add(count.wrapping_sub(1)).ok_or(Errno::EINVAL)?;
        if last >> 36 != 0 || !gfn.is_multiple_of(count) {
            return Err(Errno::EINVAL);
        }
        let step = match new.order {
            18.. if self.huge => 18,
            9.. => 9,
            _ => 0,
        };
        let _one = self.change.lock();
        self.still_open()?;
        let mut done = 0;
        while done < count {
            let piece = Entry { mfn: Mfn(new.mfn.0.wrapping_add(done)), kind: new.kind, order: step };
            self.set_piece(host, gfn.wrapping_add(done), &piece)?;
            done = done.wrapping_add(1 << step);
        }
        if new.kind != Kind::None {
            self.highest.fetch_max(last, Ordering::Relaxed);
        }
        Ok(())
    }

    /// One entry of order 0, 9 or 18.
    fn set_piece<P: P2mHost>(&self, host: &P, gfn: u64, new: &Entry) -> Result {
        let wanted = new.order.wrapping_div(9).wrapping_add(1);
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        while level > wanted {
            let slot = at(table, gfn, level);
            table = match decode(host.mem().load64(slot), level) {
                Slot::Table(next) => next,
                Slot::Leaf(e) if e.kind == Kind::None && new.kind == Kind::None => return Ok(()),
                Slot::Leaf(e) => self.split(host, slot, &e)?,
            };
            level = level.wrapping_sub(1);
        }
        let slot = at(table, gfn, level);
        match decode(host.mem().load64(slot), level) {
            Slot::Leaf(old) => {
                host.mem().store64(slot, self.format.leaf(new));
                if old.kind.is_present() {
                    host.stale();
                }
                host.replaced(&old);
                Ok(())
            }
            // A table stays a table: a processor may be walking it.
            Slot::Table(_) => {
                let order = new.order.wrapping_sub(9);
                for i in 0..ENTRIES {
                    let offset = i << order;
                    let piece = Entry { mfn: Mfn(new.mfn.0.wrapping_add(offset)), kind: new.kind, order };
                    self.set_piece(host, gfn.wrapping_add(offset), &piece)?;
                }
                Ok(())
            }
        }
    }

    /// Changes the kind of one guest frame that is something, and nothing else: what it holds stays held. The kinds are such that
    /// hold the same.
    ///
    /// # Errors
    /// `EINVAL` when the frame is nothing, `ENOMEM` when a large entry has to be split and the domain has no frames for tables left.
    pub fn change_kind<P: P2mHost>(&self, host: &P, gfn: u64, kind: Kind) -> Result {
        if gfn >> 36 != 0 {
            return Err(Errno::EINVAL);
        }
        let _one = self.change.lock();
        self.still_open()?;
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        loop {
            let slot = at(table, gfn, level);
            match decode(host.mem().load64(slot), level) {
                Slot::Table(next) => table = next,
                Slot::Leaf(e) if !e.kind.is_present() => return Err(Errno::EINVAL),
                Slot::Leaf(e) if level == 1 => {
                    host.mem().store64(slot, self.format.leaf(&Entry { kind, ..e }));
                    return Ok(());
                }
                Slot::Leaf(e) => table = self.split(host, slot, &e)?,
            }
            level = level.wrapping_sub(1);
        }
    }

    /// Changes the kinds of entries from guest frame `*from` on, at most `most` of them, as `change` says (`None`: as it is); `*from`
    /// moves on. What they hold stays held. `true` when all frames are done.
    pub fn retype<P: P2mHost>(
        &self,
        host: &P,
        from: &mut u64,
        most: u32,
        change: impl Fn(Kind) -> Option<Kind>,
    ) -> bool {
        let _one = self.change.lock();
        for _ in 0..most {
            if *from >> 36 != 0 || self.still_open().is_err() {
                return true;
            }
            let (mut table, mut level) = (self.root, ROOT_LEVEL);
            let (slot, e) = loop {
                let slot = at(table, *from, level);
                match decode(host.mem().load64(slot), level) {
                    Slot::Table(next) => (table, level) = (next, level.wrapping_sub(1)),
                    Slot::Leaf(e) => break (slot, e),
                }
            };
            if let Some(kind) = change(e.kind).filter(|_| e.kind.is_present()) {
                host.mem().store64(slot, self.format.leaf(&Entry { kind, ..e }));
                if e.kind.is_writable() && !kind.is_writable() {
                    host.stale();
                }
            }
            let span = 1u64 << level.saturating_sub(1).saturating_mul(9);
            *from = (*from & !span.wrapping_sub(1)).wrapping_add(span);
        }
        *from >> 36 != 0
    }

    fn still_open(&self) -> Result {
        if self.closed.load(Ordering::Acquire) { Err(Errno::EINVAL) } else { Ok(()) }
    }

    /// Makes a table of what was one entry, with the same meaning.
    fn split<P: P2mHost>(&self, host: &P, slot: fx_types::Maddr, e: &Entry) -> Result<Mfn> {
        let table = host.take_table().ok_or(Errno::ENOMEM)?;
        let order = e.order.saturating_sub(9);
        if e.kind != Kind::None {
            for i in 0..ENTRIES {
                let part = Entry { mfn: Mfn(e.mfn.0.wrapping_add(i << order)), kind: e.kind, order };
                host.mem().store64(table.at(i.wrapping_mul(8)), self.format.leaf(&part));
            }
        }
        host.mem().store64(slot, self.format.table(table));
        Ok(table)
    }

    /// Empties the tables from guest frame `*from` on and gives their frames back, until `most` entries and frames behind them are
    /// let go, or one entry's more; `true` when all
    /// is done, the root too. No processor translates by them any more; what others look up from the first call on is nothing.
    pub fn destroy<P: P2mHost>(&self, host: &P, from: &mut u64, most: u32) -> bool {
        if !self.closed.swap(true, Ordering::SeqCst) {
            host.settle();
        }
        // A change that began before is over then.
        let _one = self.change.lock();
        let mut left = most;
        while *from >> 36 == 0 {
            if left == 0 {
                return false;
            }
            left = left.saturating_sub(self.clear_next(host, from));
        }
        host.give_table(self.root);
        true
    }

    /// Lets the entry of `*from` go, and tables that are behind with it; `*from` moves on. How much that was.
    fn clear_next<P: P2mHost>(&self, host: &P, from: &mut u64) -> u32 {
        let gfn = *from;
        let mut frames = 1;
        let mut path = [None; 5];
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        loop {
            let slot = at(table, gfn, level);
            match decode(host.mem().load64(slot), level) {
                Slot::Table(next) => {
                    if let Some(p) = path.get_mut(usize::from(level)) {
                        *p = Some((slot, next));
                    }
                    (table, level) = (next, level.wrapping_sub(1));
                }
                Slot::Leaf(old) => {
                    if old.kind != Kind::None {
                        host.mem().store64(slot, 0);
                        host.replaced(&old);
                        frames = 1u32.wrapping_shl(u32::from(old.order));
                    }
                    break;
                }
            }
        }
        let next = gfn.wrapping_add(1u64 << level.saturating_sub(1).saturating_mul(9));
        // The first entry of another table comes next: the one before is empty.
        for l in 2..=ROOT_LEVEL {
            let span = 9u32.wrapping_mul(u32::from(l).wrapping_sub(1));
            if next >> span != gfn >> span
                && let Some((slot, mfn)) = path.get(usize::from(l)).copied().flatten()
            {
                host.mem().store64(slot, 0);
                host.give_table(mfn);
            }
        }
        *from = next;
        frames
    }
}

/// Where the entry for a guest frame is in a table of a level.
fn at(table: Mfn, gfn: u64, level: u8) -> fx_types::Maddr {
    let index = gfn >> u32::from(level).saturating_sub(1).saturating_mul(9) & (ENTRIES - 1);
    table.at(index.wrapping_mul(8))
}

/// The part of an entry that begins at a guest frame.
fn part(e: &Entry, gfn: u64) -> Entry {
    let inside = gfn & (1u64 << e.order).wrapping_sub(1);
    Entry { mfn: Mfn(e.mfn.0.wrapping_add(inside)), ..*e }
}
