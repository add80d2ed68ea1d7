//! How lines signal, by what the firmware says.

use fx_acpi::{Madt, Polarity, Trigger};

use super::Line;

const ISA_IRQS: u32 = 16;

/// How a global system interrupt signals until the hardware domain says otherwise: `sci` is the interrupt of ACPI events
/// (FADT), `isa_level` has a bit for each ISA interrupt that the firmware has made level-triggered
/// ([`crate::pic::level_triggered`]).
#[must_use]
pub fn line_of_gsi(gsi: u32, madt: &Madt, sci: Option<u16>, isa_level: u16) -> Line {
    let is_sci = sci.is_some_and(|n| u8::try_from(n).map_or(u32::from(n), |n| madt.isa(n).0) == gsi);
    let exception = madt.overrides.iter().find(|o| o.gsi == gsi);
    let level_isa = gsi < ISA_IRQS && isa_level & (1 << gsi) != 0;
    let pci = is_sci || (exception.is_none() && (gsi >= ISA_IRQS || level_isa));
    let usual = if pci { Line::PCI } else { Line::ISA };
    let Some(o) = exception else { return usual };
    Line {
        level: match o.trigger {
            Trigger::Bus => usual.level,
            t => t == Trigger::Level,
        },
        low: match o.polarity {
            Polarity::Bus => usual.low,
            p => p == Polarity::Low,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fx_acpi::Override;
    use std::vec;

    #[test]
    fn lines() {
        let o = |isa_irq, gsi, polarity, trigger| Override { isa_irq, gsi, polarity, trigger };
        let madt = Madt {
            overrides: vec![
                o(0, 2, Polarity::Bus, Trigger::Bus),
                o(5, 5, Polarity::High, Trigger::Level),
                o(9, 20, Polarity::Bus, Trigger::Bus),
            ],
            ..Madt::default()
        };
        let line = |gsi| line_of_gsi(gsi, &madt, Some(9), 1 << 11);
        assert_eq!(line(2), Line::ISA);
        assert_eq!(line(4), Line::ISA);
        assert_eq!(line(5), Line { level: true, low: false });
        assert_eq!(line(9), Line::ISA);
        assert_eq!(line(11), Line::PCI);
        assert_eq!(line(16), Line::PCI);
        assert_eq!(line(20), Line::PCI);
        assert_eq!(line_of_gsi(9, &Madt::default(), Some(9), 0), Line::PCI);
    }
}
