//! What a channel is bound to, as a value and packed into one word.

use fx_types::DomId;

/// What a channel is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Nothing; the port may be allocated.
    Free,
    /// Nothing, and never will be (port 0).
    Reserved,
    /// Waits for `remote` to bind to it.
    Unbound {
        /// The domain that may bind.
        remote: DomId,
    },
    /// Connected to a port of a domain, which may be the same domain.
    Interdomain {
        /// The peer's domain.
        remote: DomId,
        /// The peer's port.
        port: u32,
    },
    /// Raised by a physical IRQ.
    Pirq {
        /// The domain's number for it.
        pirq: u32,
    },
    /// Raised by a virtual IRQ.
    Virq {
        /// `VIRQ_*` of `xen.h`.
        virq: u32,
        /// The vCPU in whose table it is (0 for a global one); not necessarily the one that is notified.
        vcpu: u32,
    },
    /// Raised by the domain itself.
    Ipi,
}

/// A [`Binding`] in a word: the kind in the high byte, a domain or vCPU number in bits 32 to 47, a number in the low half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed(pub u64);

pub(crate) const FREE: u64 = 0;
pub(crate) const RESERVED: u64 = 1;
pub(crate) const UNBOUND: u64 = 2;
pub(crate) const INTERDOMAIN: u64 = 3;
pub(crate) const PIRQ: u64 = 4;
pub(crate) const VIRQ: u64 = 5;
pub(crate) const IPI: u64 = 6;

impl Packed {
    /// The word of a port that may be allocated.
    pub const FREE: Self = Self::new(FREE, 0, 0);

    const fn new(kind: u64, who: u16, number: u32) -> Self {
        Self(kind << 56 | (who as u64) << 32 | number as u64)
    }

    /// The word of a port that is connected to `port` of `remote`.
    #[inline]
    pub const fn interdomain(remote: DomId, port: u32) -> Self {
        Self::new(INTERDOMAIN, remote.0, port)
    }

    /// The word of a port that `virq` raises, being in the table of `vcpu`.
    #[inline]
    pub const fn virq(virq: u32, vcpu: u32) -> Self {
        Self::new(VIRQ, vcpu as u16, virq)
    }

    /// The word of a port that `pirq` raises.
    #[inline]
    pub const fn pirq(pirq: u32) -> Self {
        Self::new(PIRQ, 0, pirq)
    }

    /// The kind, one of the constants of this module.
    #[inline]
    pub const fn kind(self) -> u64 {
        self.0 >> 56
    }

    /// The domain.
    #[inline]
    pub const fn dom(self) -> DomId {
        DomId((self.0 >> 32) as u16)
    }

    /// The number in the low half: port, pirq or virq.
    #[inline]
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// Whether events can be pending on the port.
    #[inline]
    pub const fn is_usable(self) -> bool {
        self.kind() >= UNBOUND
    }

    /// The value.
    pub const fn unpack(self) -> Binding {
        match self.kind() {
            RESERVED => Binding::Reserved,
            UNBOUND => Binding::Unbound { remote: self.dom() },
            INTERDOMAIN => Binding::Interdomain { remote: self.dom(), port: self.number() },
            PIRQ => Binding::Pirq { pirq: self.number() },
            VIRQ => Binding::Virq { virq: self.number(), vcpu: self.dom().0 as u32 },
            IPI => Binding::Ipi,
            _ => Binding::Free,
        }
    }
}

impl From<Binding> for Packed {
    fn from(b: Binding) -> Self {
        match b {
            Binding::Free => Self::FREE,
            Binding::Reserved => Self::new(RESERVED, 0, 0),
            Binding::Unbound { remote } => Self::new(UNBOUND, remote.0, 0),
            Binding::Interdomain { remote, port } => Self::interdomain(remote, port),
            Binding::Pirq { pirq } => Self::pirq(pirq),
            Binding::Virq { virq, vcpu } => Self::virq(virq, vcpu),
            Binding::Ipi => Self::new(IPI, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_everything() {
        let all = [
            Binding::Free,
            Binding::Reserved,
            Binding::Unbound { remote: DomId(0x7ff0) },
            Binding::Interdomain { remote: DomId(0x7fef), port: u32::MAX },
            Binding::Pirq { pirq: u32::MAX },
            Binding::Virq { virq: 23, vcpu: 0xffff },
            Binding::Ipi,
        ];
        for b in all {
            assert_eq!(Packed::from(b).unpack(), b);
            assert_eq!(Packed::from(b).is_usable(), !matches!(b, Binding::Free | Binding::Reserved));
        }
    }
}
