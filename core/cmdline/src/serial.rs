//! `com1=` and `com2=`: `<baud>[/<base-baud>][,[DPS][,[<io-base>|pci|amt][,[<irq>|msi][,[<port-bdf>][,[<bridge-bdf>]]]]]]`,
//! or `name=value` pairs behind the positional ones.

use alloc::string::String;

use crate::value::number;

/// The parity of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// Odd.
    Odd,
    /// Even.
    Even,
    /// Always one.
    Mark,
    /// Always zero.
    Space,
}

/// A serial port as it was asked for; what was not given is `None` and stays as the firmware set it or at its default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SerialPort {
    /// Bits a second; none: `auto`, as the firmware set it.
    pub baud: Option<u32>,
    /// The UART's clock in Hz, 16 times its highest rate.
    pub clock_hz: Option<u64>,
    /// 5 to 8.
    pub data_bits: Option<u8>,
    /// Parity.
    pub parity: Option<Parity>,
    /// 1 or 2.
    pub stop_bits: Option<u8>,
    /// The first port of its registers.
    pub io_base: Option<u64>,
    /// Whether to look for it on the PCI bus (`pci` or `amt`).
    pub pci: bool,
    /// Its interrupt; 0: poll.
    pub irq: Option<u32>,
    /// Whether to use a message-signalled interrupt.
    pub msi: bool,
    /// Where on the PCI bus it is: `<bus>:<device>.<function>`.
    pub port_bdf: Option<String>,
    /// The bridge in front of it.
    pub bridge_bdf: Option<String>,
    /// Bytes in a register: 1 or 4.
    pub reg_width: Option<u8>,
    /// log2 of the distance of its registers.
    pub reg_shift: Option<u8>,
}

impl SerialPort {
    pub(crate) fn parse(s: &str) -> Option<Self> {
        let mut port = Self::default();
        let mut position = 0usize;
        for part in s.split(',') {
            match part.split_once('=') {
                Some((name, value)) => port.set(name, value)?,
                None => {
                    if !part.is_empty() {
                        port.set_position(position, part)?;
                    }
                    position = position.saturating_add(1);
                }
            }
        }
        Some(port)
    }

    fn set_position(&mut self, position: usize, v: &str) -> Option<()> {
        match position {
            0 => {
                let (baud, base) = v.split_once('/').map_or((v, None), |(b, c)| (b, Some(c)));
                self.set("baud", baud)?;
                if let Some(base) = base {
                    self.clock_hz = Some(number::<u64>(base)?.checked_mul(16)?);
                }
                Some(())
            }
            1 => {
                let mut c = v.char_indices();
                let (data, parity, stop) = (c.next()?, c.next()?, c.next()?);
                self.set("data-bits", v.get(data.0..parity.0)?)?;
                self.set("parity", v.get(parity.0..stop.0)?)?;
                self.set("stop-bits", v.get(stop.0..)?)
            }
            2 if v == "pci" || v == "amt" => self.set("dev", v),
            2 => self.set("io-base", v),
            3 if v == "msi" => {
                self.msi = true;
                Some(())
            }
            3 => self.set("irq", v),
            4 => self.set("port", v),
            5 => self.set("bridge", v),
            _ => None,
        }
    }

    fn set(&mut self, name: &str, v: &str) -> Option<()> {
        match name {
            "baud" if v == "auto" => self.baud = None,
            "baud" => self.baud = Some(number(v).filter(|b| (75..=4_000_000).contains(b))?),
            "clock-hz" => self.clock_hz = Some(number::<u64>(v)?.checked_mul(16)?),
            "data-bits" => self.data_bits = Some(number(v).filter(|n| (5..=8).contains(n))?),
            "parity" => self.parity = Some(parity(v)?),
            "stop-bits" => self.stop_bits = Some(number(v).filter(|n| (1..=2).contains(n))?),
            "io-base" => self.io_base = Some(number(v)?),
            "irq" => self.irq = Some(number(v)?),
            "dev" if v == "pci" || v == "amt" => self.pci = true,
            "port" => self.port_bdf = Some(bdf(v)?),
            "bridge" => self.bridge_bdf = Some(bdf(v)?),
            "reg-width" => self.reg_width = Some(number(v).filter(|n| *n == 1 || *n == 4)?),
            "reg-shift" => self.reg_shift = Some(number(v).filter(|n| *n <= 4)?),
            _ => return None,
        }
        Some(())
    }
}

fn parity(v: &str) -> Option<Parity> {
    Some(match v {
        "n" => Parity::None,
        "o" => Parity::Odd,
        "e" => Parity::Even,
        "m" => Parity::Mark,
        "s" => Parity::Space,
        _ => return None,
    })
}

fn bdf(v: &str) -> Option<String> {
    let (rest, function) = v.rsplit_once('.')?;
    let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    (hex(function) && rest.contains(':') && rest.split(':').all(hex)).then(|| String::from(v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        let p = SerialPort::parse("115200,8n1,0x3f8,4").unwrap();
        assert_eq!(
            (p.baud, p.data_bits, p.parity, p.stop_bits),
            (Some(115_200), Some(8), Some(Parity::None), Some(1))
        );
        assert_eq!((p.io_base, p.irq), (Some(0x3f8), Some(4)));
        let p = SerialPort::parse("115200/921600,,0x2f8,0,reg-width=4,reg-shift=2").unwrap();
        assert_eq!(
            (p.clock_hz, p.irq, p.reg_width, p.reg_shift),
            (Some(14_745_600), Some(0), Some(4), Some(2))
        );
        assert_eq!(SerialPort::parse("auto"), Some(SerialPort::default()));
        let p = SerialPort::parse("baud=115200,parity=e,stop-bits=2,io-base=0x3f8").unwrap();
        assert_eq!((p.parity, p.stop_bits), (Some(Parity::Even), Some(2)));
        let p = SerialPort::parse("115200,8n1,pci,msi,0:1a.0,0:1.0").unwrap();
        assert!(p.pci && p.msi);
        assert_eq!(p.port_bdf.as_deref(), Some("0:1a.0"));
        for bad in
            ["x", "115200,9n1", "115200,8x1", "115200,8n", "115200,8né", "1,8n1", "115200,8n1,z", "a=b"]
        {
            assert_eq!(SerialPort::parse(bad), None, "{bad}");
        }
    }
}
