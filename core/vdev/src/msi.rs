//! Message signalled interrupts: an address and data that a device writes (Intel SDM volume 3, 11.11).

use crate::lapic::{Delivery, Message, Target};

const LOGICAL: u64 = 1 << 2;
const LEVEL: u32 = 1 << 15;

/// What such a write asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Msi {
    /// A message to processors.
    Message(Message),
    /// An event, of a guest that takes interrupts of devices as such: its number for the interrupt (`pirq`).
    Event(u32),
}

/// What a write asks for; `None` when that is nothing, or a way of delivery that devices do not have.
#[must_use]
pub fn decode(address: u64, data: u32) -> Option<Msi> {
    let destination = (address >> 12) as u32 & 0xff;
    let vector = data as u8;
    if vector == 0 {
        let pirq = (address >> 32) as u32 & 0xffff_ff00 | destination;
        return (pirq != 0).then_some(Msi::Event(pirq));
    }
    let delivery = match data >> 8 & 7 {
        0 => Delivery::Fixed,
        1 => Delivery::LowestPriority,
        _ => return None,
    };
    let target = Target::Some { destination, logical: address & LOGICAL != 0 };
    Some(Msi::Message(Message { delivery, vector, level: data & LEVEL != 0, target }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(address: u64, data: u32) -> Message {
        let Some(Msi::Message(m)) = decode(address, data) else { panic!() };
        m
    }

    #[test]
    fn messages() {
        let target = Target::Some { destination: 0x12, logical: false };
        let m = Message { delivery: Delivery::Fixed, vector: 0x41, level: false, target };
        assert_eq!(message(0xfee1_2000, 0x0041), m);
        // The redirection hint changes nothing.
        let logical = Target::Some { destination: 3, logical: true };
        let m = Message { delivery: Delivery::LowestPriority, vector: 0x52, level: true, target: logical };
        assert_eq!(message(0xfee0_300c, 0xc152), m);
        assert_eq!(decode(0xfee0_0000, 0x0441), None, "an NMI");
    }

    /// Linux, `xen_msi_compose_msg`: the number is in both halves of the address.
    #[test]
    fn events() {
        assert_eq!(decode(0x1234_5600_fee7_8000, 0x4300), Some(Msi::Event(0x1234_5678)));
        assert_eq!(decode(0xff_fee0_0000, 0), None);
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        #[test]
        fn anything(address: u64, data: u32) {
            match decode(address, data) {
                Some(Msi::Message(m)) => prop_assert_eq!((m.vector, data & 0x600), (data as u8, 0)),
                Some(Msi::Event(pirq)) => prop_assert!(pirq != 0 && data & 0xff == 0),
                None => prop_assert!(data & 0xff == 0 || data & 0x600 != 0),
            }
        }
    }
}
