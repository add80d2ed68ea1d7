//! Reads apt's lists of sources: one-line style (`*.list`) and deb822 style (`*.sources`), see sources.list(5).

/// One archive: where it is and which suites are taken from it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The archive's address.
    pub uri: String,
    /// Its suites, such as `trixie` or `trixie-updates`.
    pub suites: Vec<String>,
}

/// Reads a file in one-line style; lines that are not binary archives are left out.
pub fn one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line_entry).collect()
}

fn one_line_entry(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim().strip_prefix("deb")?;
    if !line.starts_with([' ', '\t', '[']) {
        return None;
    }
    let line = line.trim_start();
    let rest = match line.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => line,
    };
    let mut words = rest.split_whitespace();
    Some(Source { uri: words.next()?.to_owned(), suites: vec![words.next()?.to_owned()] })
}

/// Reads a file in deb822 style; stanzas that are disabled or have no binary archive are left out.
pub fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut stanza = String::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(deb822_stanza(&stanza));
            stanza.clear();
        } else {
            // A line that starts with a blank goes on with the field before it.
            stanza.push(if line.starts_with([' ', '\t']) { ' ' } else { '\n' });
            stanza.push_str(line);
        }
    }
    sources
}

fn deb822_stanza(stanza: &str) -> Vec<Source> {
    let field = |name: &str| -> Vec<String> {
        let value = stanza.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        value.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let enabled = field("Enabled").first().is_none_or(|v| v != "no");
    if !enabled || !field("Types").iter().any(|t| t == "deb") {
        return Vec::new();
    }
    field("URIs").into_iter().map(|uri| Source { uri, suites: field("Suites") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(uri: &str, suites: &[&str]) -> Source {
        Source { uri: uri.into(), suites: suites.iter().map(|&s| s.into()).collect() }
    }

    #[test]
    fn one_line_style() {
        let text = "# comment\ndeb [signed-by=/k.gpg arch=amd64] http://m.example/debian trixie main\n\
                    deb-src http://m.example/debian trixie main\ndeb http://m.example/sec trixie-security main # x\n";
        let want = [
            source("http://m.example/debian", &["trixie"]),
            source("http://m.example/sec", &["trixie-security"]),
        ];
        assert_eq!(one_line(text), want);
    }

    #[test]
    fn deb822_style() {
        let text = "Types: deb deb-src\nURIs: http://m.example/debian\n# why\nSuites: bookworm\n bookworm-updates\n\
                    Components: main\n\nTypes: deb\nURIs: http://off.example/\nSuites: x\nEnabled: no\n";
        assert_eq!(deb822(text), [source("http://m.example/debian", &["bookworm", "bookworm-updates"])]);
    }
}
