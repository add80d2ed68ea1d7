//! Options of the command line that can be changed while the machine runs (`/params` of `hypfs_op`).

use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use fx_cmdline::LogLevels;
use fx_console::Thresholds;
use fx_types::{Errno, Result};

use super::domctl::MOST_FRAMES;
use crate::host::Host;
use crate::hw::Hw;

/// Names of thresholds, by the number of levels that pass.
const LEVELS: [&str; 5] = ["none", "error", "warning", "info", "debug"];

/// One of these options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Param {
    /// The most frames of a grant table.
    GrantFrames,
    /// The most frames of a maptrack table.
    MaptrackFrames,
    /// Which messages that guests cause are printed.
    GuestLogLevel,
    /// Which messages are printed.
    LogLevel,
}

impl Param {
    /// All of them, by name.
    pub(crate) const ALL: [Self; 4] =
        [Self::GrantFrames, Self::MaptrackFrames, Self::GuestLogLevel, Self::LogLevel];
    /// The longest value, with the zero behind it.
    pub(crate) const MAX_LEN: usize = 32;

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GrantFrames => "gnttab_max_frames",
            Self::MaptrackFrames => "gnttab_max_maptrack_frames",
            Self::GuestLogLevel => "guest_loglvl",
            Self::LogLevel => "loglvl",
        }
    }
}

fn shown(t: &Thresholds) -> String {
    let name = |n: u8| LEVELS.get(usize::from(n)).copied().unwrap_or_default();
    let (always, limited) = t.get();
    format!("{}/{}", name(always), name(limited))
}

impl<H: Hw> Host<H> {
    /// The value of an option.
    pub(crate) fn param(&self, p: Param) -> String {
        match p {
            Param::GrantFrames => format!("{}", self.settings.grant_frames.load(Ordering::Relaxed)),
            Param::MaptrackFrames => format!("{}", self.settings.maptrack_frames.load(Ordering::Relaxed)),
            Param::GuestLogLevel => shown(&self.hw.log().guest_levels),
            Param::LogLevel => shown(&self.hw.log().levels),
        }
    }

    /// Changes an option.
    ///
    /// # Errors
    /// `EINVAL` for a text that is no value, `ERANGE` for a number that is too small or too great.
    pub(crate) fn set_param(&self, p: Param, text: &str) -> Result {
        match p {
            Param::GrantFrames => set_frames(&self.settings.grant_frames, text),
            Param::MaptrackFrames => set_frames(&self.settings.maptrack_frames, text),
            Param::GuestLogLevel => set_levels(&self.hw.log().guest_levels, text),
            Param::LogLevel => set_levels(&self.hw.log().levels, text),
        }
    }
}

fn set_frames(limit: &AtomicU32, text: &str) -> Result {
    let n: u64 = text.parse().map_err(|_| Errno::EINVAL)?;
    if !(1..=u64::from(MOST_FRAMES)).contains(&n) {
        return Err(Errno::ERANGE);
    }
    limit.store(n as u32, Ordering::Relaxed);
    Ok(())
}

fn set_levels(levels: &Thresholds, text: &str) -> Result {
    let new = LogLevels::parse(text).ok_or(Errno::EINVAL)?;
    levels.set(new.always, new.limited);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let t = Thresholds::new(0, 2);
        assert_eq!(shown(&t), "none/warning");
        assert_eq!((set_levels(&t, "all"), shown(&t)), (Ok(()), String::from("debug/debug")));
        assert_eq!((set_levels(&t, "much"), t.get()), (Err(Errno::EINVAL), (4, 4)));
    }

    #[test]
    fn numbers_of_frames() {
        let limit = AtomicU32::new(64);
        assert_eq!(set_frames(&limit, "32"), Ok(()));
        assert_eq!(
            (set_frames(&limit, "0"), set_frames(&limit, "65537")),
            (Err(Errno::ERANGE), Err(Errno::ERANGE))
        );
        assert_eq!((set_frames(&limit, "some"), limit.into_inner()), (Err(Errno::EINVAL), 32));
    }
}
