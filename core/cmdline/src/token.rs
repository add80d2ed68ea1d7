//! Splits the command line into options.

use alloc::string::String;
use alloc::vec::Vec;

/// An option as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) name: String,
    /// What is behind the first `=`, if there is one.
    pub(crate) value: Option<String>,
}

/// The options in front of a lone `--`, and what is behind it: for Dom0's kernel.
pub(crate) fn split(line: &str) -> (Vec<Token>, Option<String>) {
    let (mut words, mut rest) = (Vec::new(), None);
    let mut at = line;
    while let Some((word, left)) = next_word(at) {
        if word == "--" {
            rest = Some(String::from(left.trim()));
            break;
        }
        words.push(word);
        at = left;
    }
    // The boot loader may pass the name of the image first; GRUB's scripts pass a placeholder for it.
    if words.first().is_some_and(|w| w.starts_with('/') || w.starts_with('(') || w == "placeholder") {
        words.remove(0);
    }
    (words.into_iter().map(token).collect(), rest)
}

/// The next word, without its quotes, and what follows it.
fn next_word(s: &str) -> Option<(String, &str)> {
    let s = s.trim_start_matches(is_space);
    if s.is_empty() {
        return None;
    }
    let (mut word, mut quote) = (String::new(), None);
    for (i, c) in s.char_indices() {
        match quote {
            Some(q) if q == c => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => quote = Some(c),
            None if is_space(c) => return Some((word, s.get(i..).unwrap_or(""))),
            None => word.push(c),
        }
    }
    Some((word, ""))
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\0'
}

fn token(word: String) -> Token {
    match word.split_once('=') {
        Some((n, v)) => Token { name: n.into(), value: Some(v.into()) },
        None => Token { name: word, value: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn t(name: &str, value: Option<&str>) -> Token {
        Token { name: name.into(), value: value.map(Into::into) }
    }

    #[test]
    fn words() {
        let (t1, rest) = split(" a  b=1 c=\"x y\" 'd e'=f=g  -- root=/dev/x  quiet ");
        assert_eq!(t1, vec![t("a", None), t("b", Some("1")), t("c", Some("x y")), t("d e", Some("f=g"))]);
        assert_eq!(rest.as_deref(), Some("root=/dev/x  quiet"));
    }

    #[test]
    fn the_image_is_not_an_option() {
        assert_eq!(split("placeholder com1").0, vec![t("com1", None)]);
        assert_eq!(split("/boot/xen.gz com1").0, vec![t("com1", None)]);
        assert_eq!(split("com1 placeholder").0.len(), 2);
        assert_eq!(split("").0, vec![]);
        assert_eq!(split("x=\"open").0, vec![t("x", Some("open"))]);
    }
}
