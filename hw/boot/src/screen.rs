//! The display that the loader left (Multiboot 2 specification, section 3.6.12).

use crate::view::PhysView;

/// Where the bits of a colour are in a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour {
    /// Lowest bit.
    pub shift: u8,
    /// Number of bits.
    pub bits: u8,
}

/// A display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Text of a PC's display adapter: characters.
    Text {
        /// Characters in a row.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A frame buffer of pixels in direct colours.
    Pixels {
        /// Physical address of the first pixel.
        base: u64,
        /// Bytes of a row.
        pitch: u32,
        /// Pixels of a row.
        width: u16,
        /// Rows.
        height: u16,
        /// Bits of a pixel.
        depth: u8,
        /// Red, green, blue.
        colours: [Colour; 3],
    },
}

impl Screen {
    /// Reads the tag at `at`; `None` for a display of another kind.
    pub(crate) fn read(view: &impl PhysView, at: u64) -> Option<Self> {
        const PIXELS: u8 = 1;
        const TEXT: u8 = 2;
        let (width, height) = (view.u32(at + 20)?, view.u32(at + 24)?);
        let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let mut rest = [0; 10];
        if !view.read(at + 28, &mut rest[..4]) {
            return None;
        }
        if rest[1] == TEXT {
            return Some(Self::Text { columns: width, rows: height });
        }
        if rest[1] != PIXELS || !view.read(at + 28, &mut rest) {
            return None;
        }
        let [depth, _, _, _, red, reds, green, greens, blue, blues] = rest;
        let colour = |shift, bits| Colour { shift, bits };
        Some(Self::Pixels {
            base: view.u64(at + 8)?,
            pitch: view.u32(at + 16)?,
            width,
            height,
            depth,
            colours: [colour(red, reds), colour(green, greens), colour(blue, blues)],
        })
    }
}
