//! The basic kinds of values: booleans, integers, sizes.

/// A boolean; nothing counts as `true`.
pub(crate) fn boolean(s: &str) -> Option<bool> {
    match s {
        "" | "yes" | "on" | "true" | "enable" | "1" => Some(true),
        "no" | "off" | "false" | "disable" | "0" => Some(false),
        _ => None,
    }
}

/// An element of a list that is a boolean of this name: `name`, `no-name` or `name=<boolean>`.
pub(crate) fn named_boolean(s: &str, name: &str) -> Option<bool> {
    if s == name {
        return Some(true);
    }
    if s.strip_prefix("no-") == Some(name) {
        return Some(false);
    }
    let v = s.strip_prefix(name)?.strip_prefix('=')?;
    if v.is_empty() { None } else { boolean(v) }
}

/// An integer: decimal, hexadecimal after `0x`, octal after `0`.
pub(crate) fn integer(s: &str) -> Option<u64> {
    let parse = |digits: &str, radix| {
        let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain { u64::from_str_radix(digits, radix).ok() } else { None }
    };
    if let Some(hex) = s.strip_prefix("0x").or_else(|| s.strip_prefix("0X")) {
        return parse(hex, 16);
    }
    match s.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => parse(octal, 8),
        None => parse(s, 10),
    }
}

/// An integer that fits.
pub(crate) fn number<N: TryFrom<u64>>(s: &str) -> Option<N> {
    N::try_from(integer(s)?).ok()
}

/// A size in bytes; without a suffix the number counts KiB.
pub(crate) fn size(s: &str) -> Option<u64> {
    let shift = match s.bytes().last()? {
        b'T' | b't' => 40,
        b'G' | b'g' => 30,
        b'M' | b'm' => 20,
        b'K' | b'k' => 10,
        // In a hexadecimal number it is a digit.
        b'B' | b'b' if !s.starts_with("0x") && !s.starts_with("0X") => 0,
        _ => return integer(s)?.checked_mul(1 << 10),
    };
    let digits = s.get(..s.len().saturating_sub(1))?;
    integer(digits)?.checked_mul(1u64.wrapping_shl(shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(integer("42"), Some(42));
        assert_eq!(integer("0x3f8"), Some(0x3f8));
        assert_eq!(integer("010"), Some(8));
        assert_eq!(integer("0"), Some(0));
        for bad in ["", "x", "0x", "+1", "-1", "09", "0x+1", "99999999999999999999"] {
            assert_eq!(integer(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("1G"), Some(1 << 30));
        assert_eq!(size("512m"), Some(512 << 20));
        assert_eq!(size("4096k"), Some(4 << 20));
        assert_eq!(size("16"), Some(16 << 10));
        assert_eq!(size("0x10b"), Some(0x10b << 10));
        assert_eq!(size("7b"), Some(7));
        assert_eq!(size("2T"), Some(2 << 40));
        for bad in ["", "G", "1Q", "16777216T", "1é"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn booleans() {
        assert_eq!(boolean(""), Some(true));
        assert_eq!(boolean("off"), Some(false));
        assert_eq!(boolean("2"), None);
        assert_eq!(named_boolean("no-shadow", "shadow"), Some(false));
        assert_eq!(named_boolean("shadow=on", "shadow"), Some(true));
        assert_eq!(named_boolean("shadow=", "shadow"), None);
        assert_eq!(named_boolean("shadows", "shadow"), None);
    }
}
