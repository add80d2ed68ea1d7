//! What is typed on the console: for Dom0, or for Xen as debug keys; three times the switch character changes sides.

use core::fmt;

use fx_sync::Lock;

/// How many bytes wait for Dom0 at most.
const QUEUE: usize = 1024;
/// How often the switch character is to be typed.
const TIMES: u8 = 3;

/// What to do about a byte that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It waits for Dom0 (`VIRQ_CONSOLE`).
    ToGuest,
    /// It is a debug key.
    DebugKey(u8),
    /// The input has changed sides: say so.
    Switched {
        /// Whether it goes to Xen now.
        to_xen: bool,
    },
    /// Nothing yet: it may become a switch.
    Swallowed,
    /// Dom0 does not read, and there is no room left.
    Dropped,
}

struct State {
    bytes: [u8; QUEUE],
    head: usize,
    len: usize,
    to_xen: bool,
    /// The switch character (`conswitch=`); 0: none.
    code: u8,
    typed: u8,
}

impl State {
    fn push(&mut self, byte: u8) -> bool {
        let at = self.head.wrapping_add(self.len) % QUEUE;
        match self.bytes.get_mut(at) {
            Some(slot) if self.len < QUEUE => {
                *slot = byte;
                self.len = self.len.wrapping_add(1);
                true
            }
            _ => false,
        }
    }

    fn deliver(&mut self, byte: u8) -> Action {
        if self.to_xen {
            Action::DebugKey(byte)
        } else if self.push(byte) {
            Action::ToGuest
        } else {
            Action::Dropped
        }
    }

    fn switch(&mut self, to_xen: bool) -> Action {
        self.to_xen = to_xen;
        self.typed = 0;
        Action::Switched { to_xen }
    }
}

/// The console's input. It begins with Xen.
pub struct Input(Lock<State>);

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

impl Input {
    /// No input yet; the switch character is Ctrl-A.
    #[must_use]
    pub const fn new() -> Self {
        Self(Lock::new(State { bytes: [0; QUEUE], head: 0, len: 0, to_xen: true, code: 1, typed: 0 }))
    }

    /// Sets the switch character (1 for Ctrl-A, …); none: no switching.
    pub fn set_switch(&self, code: Option<u8>) {
        self.0.lock().code = code.unwrap_or(0);
    }

    /// Takes a byte that was received.
    pub fn feed(&self, byte: u8) -> Action {
        let mut s = self.0.lock();
        if byte == s.code && s.code != 0 {
            s.typed = s.typed.saturating_add(1);
            if s.typed < TIMES {
                return Action::Swallowed;
            }
            let to_xen = !s.to_xen;
            return s.switch(to_xen);
        }
        // They were no switch: they belong to the input. As debug keys they mean nothing.
        let (code, typed) = (s.code, core::mem::take(&mut s.typed));
        if !s.to_xen {
            for _ in 0..typed {
                s.push(code);
            }
        }
        s.deliver(byte)
    }

    /// Gives the input to Xen or to Dom0 (as at Dom0's start, unless `conswitch=…x`).
    pub fn give(&self, to_xen: bool) -> Action {
        self.0.lock().switch(to_xen)
    }

    /// Whether the input goes to Xen.
    pub fn is_to_xen(&self) -> bool {
        self.0.lock().to_xen
    }

    /// `CONSOLEIO_read`: takes up to `buf.len()` bytes that wait; how many there were.
    pub fn read(&self, buf: &mut [u8]) -> usize {
        let mut s = self.0.lock();
        let n = s.len.min(buf.len());
        for (i, b) in buf.iter_mut().take(n).enumerate() {
            *b = s.bytes.get(s.head.wrapping_add(i) % QUEUE).copied().unwrap_or(0);
        }
        s.head = s.head.wrapping_add(n) % QUEUE;
        s.len = s.len.wrapping_sub(n);
        n
    }

    /// The line that tells where the input goes.
    ///
    /// # Errors
    /// That of the writer.
    pub fn describe(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (to_xen, code) = {
            let s = self.0.lock();
            (s.to_xen, s.code)
        };
        write!(out, "*** Serial input to {}", if to_xen { "Xen" } else { "DOM0" })?;
        if code != 0 {
            write!(out, " (type 'CTRL-{}' three times to switch input)", char::from(code | 0x60))?;
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn read(i: &Input) -> std::vec::Vec<u8> {
        let mut b = [0; 2 * QUEUE];
        let n = i.read(&mut b);
        b[..n].to_vec()
    }

    #[test]
    fn three_times_switches() {
        let i = Input::new();
        assert_eq!(i.feed(b'r'), Action::DebugKey(b'r'));
        assert_eq!(i.feed(1), Action::Swallowed);
        assert_eq!(i.feed(1), Action::Swallowed);
        assert_eq!(i.feed(1), Action::Switched { to_xen: false });
        assert_eq!(i.feed(b'l'), Action::ToGuest);
        assert_eq!(i.feed(1), Action::Swallowed);
        assert_eq!(i.feed(b's'), Action::ToGuest);
        assert_eq!(read(&i), b"l\x01s");
        for _ in 0..2 {
            i.feed(1);
        }
        assert_eq!(i.feed(1), Action::Switched { to_xen: true });
        assert_eq!(i.feed(b'h'), Action::DebugKey(b'h'));
        assert!(read(&i).is_empty() && i.is_to_xen());
    }

    #[test]
    fn another_character_or_none() {
        let i = Input::new();
        i.give(false);
        i.set_switch(Some(2));
        assert_eq!(i.feed(1), Action::ToGuest);
        assert_eq!(i.feed(2), Action::Swallowed);
        let mut s = String::new();
        i.describe(&mut s).unwrap();
        assert_eq!(s, "*** Serial input to DOM0 (type 'CTRL-b' three times to switch input)\n");
        i.give(true);
        i.set_switch(None);
        assert_eq!(i.feed(0), Action::DebugKey(0));
    }

    #[test]
    fn the_queue_is_bounded_and_in_order() {
        let i = Input::new();
        i.give(false);
        for round in 0..3u8 {
            for _ in 0..QUEUE {
                assert_eq!(i.feed(round + 10), Action::ToGuest);
            }
            assert_eq!(i.feed(9), Action::Dropped);
            let mut b = [0; 100];
            assert_eq!(i.read(&mut b), 100);
            assert_eq!(i.feed(8), Action::ToGuest);
            let rest = read(&i);
            assert_eq!((rest.len(), rest[QUEUE - 100]), (QUEUE - 99, 8));
        }
    }
}
