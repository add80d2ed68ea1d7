//! A string of limited length in place.

use core::fmt;
use core::ops::Deref;

use crate::view::PhysView;

/// At most `N` bytes of text. What is longer is cut; bytes that are not ASCII become `?`.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    len: usize,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    /// Adds a byte.
    fn push(&mut self, b: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = if b.is_ascii() { b } else { b'?' };
            self.len += 1;
        }
    }

    /// The text without its first word.
    pub(crate) fn without_first_word(&self) -> Self {
        let rest = self.split_once(' ').map_or("", |(_, rest)| rest);
        Self::from(rest.trim_start())
    }

    /// The bytes up to a zero or up to the capacity.
    pub(crate) fn read(view: &impl PhysView, addr: u64) -> Self {
        let mut t = Self::EMPTY;
        if addr == 0 {
            return t;
        }
        for i in 0..N as u64 {
            let mut b = [0];
            if !view.read(addr.wrapping_add(i), &mut b) || b[0] == 0 {
                break;
            }
            t.push(b[0]);
        }
        t
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(s: &str) -> Self {
        let mut t = Self::EMPTY;
        s.bytes().for_each(|b| t.push(b));
        t
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.bytes.get(..self.len).and_then(|b| core::str::from_utf8(b).ok()).unwrap_or("")
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
