//! How events reach vCPU 0 of a guest that does not choose a vector for each vCPU (`HVM_PARAM_CALLBACK_IRQ`).

use super::GSIS;

/// Types, the highest byte of the parameter.
const TYPE_GSI: u8 = 0;
const TYPE_PCI_INTX: u8 = 1;
const TYPE_VECTOR: u8 = 2;

/// Where the callback line leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Nowhere.
    #[default]
    None,
    /// To a GSI.
    Gsi(u8),
    /// To the line of a PCI device.
    Intx {
        /// The device.
        device: u8,
        /// 0 for INTA.
        line: u8,
    },
    /// It is no line, but a vector in whatever vCPU has events.
    Vector(u8),
}

impl Via {
    /// What a value of the parameter means. As with Xen, what means nothing is the same as no callback.
    #[must_use]
    pub const fn from_param(value: u64) -> Self {
        match (value >> 56) as u8 {
            TYPE_GSI => {
                let gsi = value as u8;
                if gsi == 0 || gsi >= GSIS { Self::None } else { Self::Gsi(gsi) }
            }
            TYPE_PCI_INTX => Self::Intx { device: (value >> 11) as u8 & 31, line: value as u8 & 3 },
            TYPE_VECTOR => Self::Vector(value as u8),
            _ => Self::None,
        }
    }
}
