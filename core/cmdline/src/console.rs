//! Options of the console and the log.

use alloc::string::String;

/// `console=`: where the hypervisor's messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consoles {
    /// The first serial port.
    pub com1: bool,
    /// The second serial port.
    pub com2: bool,
    /// The screen.
    pub vga: bool,
}

impl Default for Consoles {
    fn default() -> Self {
        Self { com1: true, com2: false, vga: true }
    }
}

impl Consoles {
    /// The list, and whether it names a console that there is not here.
    pub(crate) fn parse(s: &str) -> Option<(Self, bool)> {
        let (mut c, mut missing) = (Self { com1: false, com2: false, vga: false }, false);
        for part in s.split(',') {
            match part {
                "com1" | "com1H" | "com1L" => c.com1 = true,
                "com2" | "com2H" | "com2L" => c.com2 = true,
                "vga" => c.vga = true,
                "none" => {}
                "pv" | "dbgp" | "ehci" | "xhci" => missing = true,
                _ => return None,
            }
        }
        Some((c, missing))
    }
}

/// `console_timestamps=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// None.
    #[default]
    None,
    /// `[YYYY-MM-DD HH:MM:SS]`.
    Date,
    /// The same with milliseconds.
    DateMs,
    /// Seconds and microseconds since boot.
    Boot,
    /// The time-stamp counter.
    Raw,
}

impl Timestamps {
    /// The value of the option; a boolean chooses between `date` and `none`.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        Some(match s {
            "none" => Self::None,
            "date" => Self::Date,
            "datems" => Self::DateMs,
            "boot" => Self::Boot,
            "raw" => Self::Raw,
            _ if crate::value::boolean(s)? => Self::Date,
            _ => Self::None,
        })
    }
}

/// `conswitch=<char>[x]`: how the input is switched between Xen and Dom0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conswitch {
    /// The control character to type three times: 1 for Ctrl-A; none: no switching.
    pub code: Option<u8>,
    /// Whether the input stays with Xen when Dom0 boots.
    pub stay: bool,
}

impl Default for Conswitch {
    fn default() -> Self {
        Self { code: Some(1), stay: false }
    }
}

impl Conswitch {
    /// The value of the option; a character that is no letter turns switching off.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let (first, rest) = s.as_bytes().split_first()?;
        let letter = first.to_ascii_lowercase();
        let code = letter.is_ascii_lowercase().then_some(letter & 0x1f);
        match rest {
            b"" => Some(Self { code, stay: false }),
            b"x" => Some(Self { code, stay: true }),
            _ => None,
        }
    }
}

/// `loglvl=` and `guest_loglvl=`: messages below `always` are printed, those below `limited` not too often, others never.
/// The levels are 0 for errors, 1 for warnings, 2 for information, 3 for debugging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLevels {
    /// Printed always.
    pub always: u8,
    /// Printed within a rate.
    pub limited: u8,
}

impl LogLevels {
    /// `<level>[/<rate-limited level>]`.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let (a, l) = s.split_once('/').unwrap_or((s, s));
        let always = level(a)?;
        Some(Self { always, limited: level(l)?.max(always) })
    }
}

fn level(s: &str) -> Option<u8> {
    Some(match s {
        "none" => 0,
        "error" => 1,
        "warning" => 2,
        "info" => 3,
        "debug" | "all" => 4,
        _ => return None,
    })
}

/// `vga=`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Vga {
    /// The mode asked for, as it was written.
    pub mode: String,
    /// Whether Xen writes to the screen after Dom0 has started, too.
    pub keep: bool,
}

impl Vga {
    pub(crate) fn parse(s: &str) -> Option<Self> {
        let mut vga = Self::default();
        for part in s.split(',') {
            let known = ["text-80x", "gfx-", "mode-"].iter().any(|p| part.starts_with(p));
            match part {
                "keep" => vga.keep = true,
                _ if known || part == "ask" || part == "current" => vga.mode = part.into(),
                _ => return None,
            }
        }
        Some(vga)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert_eq!(LogLevels::parse("all"), Some(LogLevels { always: 4, limited: 4 }));
        assert_eq!(LogLevels::parse("none/warning"), Some(LogLevels { always: 0, limited: 2 }));
        assert_eq!(LogLevels::parse("debug/error"), Some(LogLevels { always: 4, limited: 4 }));
        assert_eq!(LogLevels::parse("loud"), None);
        assert_eq!(LogLevels::parse(""), None);
    }

    #[test]
    fn the_rest() {
        assert_eq!(Conswitch::parse("ax"), Some(Conswitch { code: Some(1), stay: true }));
        assert_eq!(Conswitch::parse("B"), Some(Conswitch { code: Some(2), stay: false }));
        assert_eq!(Conswitch::parse("_").unwrap().code, None);
        assert_eq!(Conswitch::parse(""), None);
        assert_eq!(Timestamps::parse(""), Some(Timestamps::Date));
        assert_eq!(Timestamps::parse("boot"), Some(Timestamps::Boot));
        assert_eq!(Timestamps::parse("off"), Some(Timestamps::None));
        assert_eq!(Consoles::parse("com1,vga").unwrap(), (Consoles::default(), false));
        assert!(Consoles::parse("xhci").unwrap().1);
        assert_eq!(Consoles::parse("com3"), None);
        assert!(Vga::parse("text-80x25,keep").unwrap().keep);
        assert_eq!(Vga::parse("big"), None);
    }
}
