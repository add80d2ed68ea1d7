//! The packed word of a frame: its type, its flags and its two counts.
//!
//! | bits | field |
//! |---|---|
//! | 0–27 | references of any kind |
//! | 28–55 | references as the current type; with bit 61 none, but how many entries are held |
//! | 56–58 | type ([`FrameType`]) |
//! | 59 | validated: the contents were checked for the type |
//! | 60 | pinned: the owner holds a type reference by `MMUEXT_PIN_*` |
//! | 61 | partial: a table that is half checked or half let go, in nobody's hands |
//! | 62 | allocated: belongs to a domain's memory |
//! | 63 | hypervisor: memory of the hypervisor's own that is shared with a domain (shared info, grant frames) |

/// What a frame is used as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FrameType {
    /// Nothing in particular: no typed reference.
    None = 0,
    /// A level-1 page table.
    L1 = 1,
    /// A level-2 page table.
    L2 = 2,
    /// A level-3 page table.
    L3 = 3,
    /// A level-4 page table.
    L4 = 4,
    /// Segment descriptors (part of a GDT or LDT).
    SegDesc = 5,
    /// Mapped writable somewhere.
    Writable = 6,
}

impl FrameType {
    /// The page-table type of `level` (1–4).
    #[must_use]
    pub const fn table(level: u8) -> Option<Self> {
        match level {
            1 => Some(Self::L1),
            2 => Some(Self::L2),
            3 => Some(Self::L3),
            4 => Some(Self::L4),
            _ => None,
        }
    }

    /// The level of a page-table type.
    #[must_use]
    pub const fn level(self) -> Option<u8> {
        match self {
            Self::L1 => Some(1),
            Self::L2 => Some(2),
            Self::L3 => Some(3),
            Self::L4 => Some(4),
            _ => None,
        }
    }

    /// Whether a frame of this type must be checked before it may be used as such.
    #[must_use]
    pub const fn needs_validation(self) -> bool {
        !matches!(self, Self::None | Self::Writable)
    }

    const fn from_bits(b: u64) -> Self {
        match b & 7 {
            1 => Self::L1,
            2 => Self::L2,
            3 => Self::L3,
            4 => Self::L4,
            5 => Self::SegDesc,
            6 => Self::Writable,
            _ => Self::None,
        }
    }
}

const COUNT_BITS: u32 = 28;
/// The greatest value of either count.
pub const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const TYPE_COUNT_SHIFT: u32 = COUNT_BITS;
const TYPE_SHIFT: u32 = 2 * COUNT_BITS;

/// One value of the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Word(pub u64);

macro_rules! flag {
    ($(#[$doc:meta])* $get:ident, $with:ident, $bit:literal) => {
        $(#[$doc])*
        #[must_use]
        #[inline]
        pub const fn $get(self) -> bool {
            self.0 & (1 << $bit) != 0
        }

        /// The same with the flag set or cleared.
        #[must_use]
        #[inline]
        pub const fn $with(self, on: bool) -> Self {
            Self(if on { self.0 | (1 << $bit) } else { self.0 & !(1 << $bit) })
        }
    };
}

impl Word {
    /// References of any kind.
    #[must_use]
    #[inline]
    pub const fn refs(self) -> u64 {
        self.0 & COUNT_MAX
    }

    /// References as the current type.
    #[must_use]
    #[inline]
    pub const fn type_refs(self) -> u64 {
        (self.0 >> TYPE_COUNT_SHIFT) & COUNT_MAX
    }

    /// The current type; it means something while there are typed references.
    #[must_use]
    #[inline]
    pub const fn frame_type(self) -> FrameType {
        FrameType::from_bits(self.0 >> TYPE_SHIFT)
    }

    /// The same with another type.
    #[must_use]
    #[inline]
    pub const fn with_type(self, t: FrameType) -> Self {
        Self((self.0 & !(7 << TYPE_SHIFT)) | ((t as u64) << TYPE_SHIFT))
    }

    /// One more reference; `None` when the count is full.
    #[must_use]
    #[inline]
    pub const fn more_refs(self) -> Option<Self> {
        if self.refs() == COUNT_MAX { None } else { Some(Self(self.0.wrapping_add(1))) }
    }

    /// One reference less; `None` when there is none.
    #[must_use]
    #[inline]
    pub const fn fewer_refs(self) -> Option<Self> {
        if self.refs() == 0 { None } else { Some(Self(self.0.wrapping_sub(1))) }
    }

    /// Of a partial table: how many of its entries, from the first on, hold references.
    #[must_use]
    #[inline]
    pub const fn held(self) -> u64 {
        self.type_refs()
    }

    /// The same as a partial table of which the first `held` entries hold references.
    #[must_use]
    pub const fn with_held(self, held: u64) -> Self {
        self.with_type_field(held).with_partial(true)
    }

    /// The same as a table that one CPU is working on: one typed reference, not validated.
    #[must_use]
    pub const fn with_one_worker(self) -> Self {
        self.with_type_field(1).with_partial(false).with_validated(false)
    }

    const fn with_type_field(self, n: u64) -> Self {
        Self((self.0 & !(COUNT_MAX << TYPE_COUNT_SHIFT)) | ((n & COUNT_MAX) << TYPE_COUNT_SHIFT))
    }

    /// One more typed reference; `None` when the count is full.
    #[must_use]
    #[inline]
    pub const fn more_type_refs(self) -> Option<Self> {
        if self.type_refs() == COUNT_MAX {
            None
        } else {
            Some(Self(self.0.wrapping_add(1 << TYPE_COUNT_SHIFT)))
        }
    }

    /// One typed reference less; `None` when there is none.
    #[must_use]
    #[inline]
    pub const fn fewer_type_refs(self) -> Option<Self> {
        if self.type_refs() == 0 { None } else { Some(Self(self.0.wrapping_sub(1 << TYPE_COUNT_SHIFT))) }
    }

    flag!(
        /// The contents were checked for the type.
        validated, with_validated, 59
    );
    flag!(
        /// The owner pinned it as its type.
        pinned, with_pinned, 60
    );
    flag!(
        /// Its first entries hold references, and nobody works on it: see [`Self::with_held`].
        partial, with_partial, 61
    );
    flag!(
        /// It belongs to a domain's memory; the allocation itself is one reference.
        allocated, with_allocated, 62
    );
    flag!(
        /// It is the hypervisor's, and shared with a domain.
        hypervisor, with_hypervisor, 63
    );
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        let mut w = Word(0).with_type(FrameType::L3).with_validated(true).with_allocated(true);
        for _ in 0..5 {
            w = w.more_refs().unwrap();
        }
        for _ in 0..3 {
            w = w.more_type_refs().unwrap();
        }
        assert_eq!((w.refs(), w.type_refs(), w.frame_type()), (5, 3, FrameType::L3));
        assert!(w.validated() && w.allocated() && !w.pinned() && !w.hypervisor());
        w = w.fewer_type_refs().unwrap().with_type(FrameType::Writable).with_validated(false);
        assert_eq!((w.refs(), w.type_refs(), w.frame_type()), (5, 2, FrameType::Writable));
    }

    #[test]
    fn counts_are_bounded() {
        assert!(Word(COUNT_MAX).more_refs().is_none());
        assert!(Word(0).fewer_refs().is_none());
        assert!(Word(COUNT_MAX << TYPE_COUNT_SHIFT).more_type_refs().is_none());
        assert!(Word(0).fewer_type_refs().is_none());
    }

    const TYPES: [FrameType; 7] = [
        FrameType::None,
        FrameType::L1,
        FrameType::L2,
        FrameType::L3,
        FrameType::L4,
        FrameType::SegDesc,
        FrameType::Writable,
    ];

    /// All fields of a word.
    type Fields = (u64, u64, FrameType, [bool; 5]);

    fn fields(w: Word) -> Fields {
        let flags = [w.validated(), w.pinned(), w.allocated(), w.hypervisor(), w.partial()];
        (w.refs(), w.type_refs(), w.frame_type(), flags)
    }

    /// A word of these fields, by the setters alone.
    fn word((refs, types, t, [validated, pinned, allocated, hypervisor, partial]): Fields) -> Word {
        Word(refs | (types << TYPE_COUNT_SHIFT))
            .with_type(t)
            .with_validated(validated)
            .with_pinned(pinned)
            .with_allocated(allocated)
            .with_hypervisor(hypervisor)
            .with_partial(partial)
    }

    /// Every type with every flag and each count at its edges: each change changes its field and no other.
    #[test]
    fn every_change_changes_one_field() {
        let counts = [0, 1, 2, COUNT_MAX - 1, COUNT_MAX];
        for t in TYPES {
            for (refs, types) in counts.into_iter().flat_map(|r| counts.map(|c| (r, c))) {
                for bits in 0..32u32 {
                    let flags = [0, 1, 2, 3, 4].map(|b| bits & (1 << b) != 0);
                    each_change((refs, types, t, flags));
                }
            }
        }
    }

    fn each_change(f: Fields) {
        let (refs, types, t, flags) = f;
        let w = word(f);
        assert_eq!(fields(w), f);
        assert_eq!(w.more_refs().map(fields), (refs < COUNT_MAX).then(|| (refs + 1, types, t, flags)));
        assert_eq!(w.fewer_refs().map(fields), (refs > 0).then(|| (refs - 1, types, t, flags)));
        assert_eq!(w.more_type_refs().map(fields), (types < COUNT_MAX).then(|| (refs, types + 1, t, flags)));
        assert_eq!(w.fewer_type_refs().map(fields), (types > 0).then(|| (refs, types - 1, t, flags)));
        for other in TYPES {
            assert_eq!(fields(w.with_type(other)), (refs, types, other, flags));
        }
        for on in [false, true] {
            let with = |i: usize| {
                let mut flags = flags;
                flags[i] = on;
                (refs, types, t, flags)
            };
            assert_eq!(fields(w.with_validated(on)), with(0));
            assert_eq!(fields(w.with_pinned(on)), with(1));
            assert_eq!(fields(w.with_allocated(on)), with(2));
            assert_eq!(fields(w.with_hypervisor(on)), with(3));
            assert_eq!(fields(w.with_partial(on)), with(4));
        }
        let [_, pinned, allocated, hypervisor, _] = flags;
        let [validated, ..] = flags;
        assert_eq!(
            fields(w.with_held(512)),
            (refs, 512, t, [validated, pinned, allocated, hypervisor, true])
        );
        assert_eq!(fields(w.with_one_worker()), (refs, 1, t, [false, pinned, allocated, hypervisor, false]));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            ..Default::default()
        })]

        #[test]
        fn any_counts_keep_apart(refs in 0..=COUNT_MAX, types in 0..=COUNT_MAX, t in 0..7usize, bits in 0..32u32) {
            each_change((refs, types, TYPES[t], [0, 1, 2, 3, 4].map(|b| bits & (1 << b) != 0)));
        }

        /// Whatever bits a word has, its type is one that exists.
        #[test]
        fn any_bits_are_a_word(bits: u64) {
            let w = Word(bits);
            proptest::prop_assert!(TYPES.contains(&w.frame_type()));
            proptest::prop_assert!(w.refs() <= COUNT_MAX && w.type_refs() <= COUNT_MAX);
        }
    }
}
