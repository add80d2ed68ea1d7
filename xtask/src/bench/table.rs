//! How the figures are shown: on the terminal, and in `docs/bench.md`.

use std::fmt::Write;

use super::{Figure, Figures, Measured};

/// Two runs of the same hypervisor differ by a few percent in the shortest figures.
const NOISE: f64 = 1.03;

/// What the names of figures begin with, and what these figures are.
const GROUPS: &[(&str, &str)] = &[
    ("boot.", "Boot, memory, size"),
    ("dom0.", "A process in Dom0"),
    ("tools.", "The toolstack in Dom0"),
    ("pv.", "A PV guest: Debian's kernel, and a process in it"),
    ("pvh.", "A PVH guest: the same kernel"),
    ("io.", "Disk and network of a PV guest, per MiB"),
    ("many.", "Many guests at once"),
    ("call.", "Hypercalls, traps and page tables, seen by a PV kernel"),
    ("exit.", "Exits of a hardware container, seen from inside"),
];

/// A line of the table.
struct Row<'a> {
    name: &'a str,
    xen: Option<&'a Figure>,
    ours: Option<&'a Figure>,
    bare: Option<&'a Figure>,
}

impl Row<'_> {
    fn ratio(&self) -> Option<f64> {
        let (xen, ours) = (self.xen?.value, self.ours?.value);
        if xen <= 0.0 {
            return if ours <= 0.0 { Some(1.0) } else { None };
        }
        Some(ours / xen)
    }

    fn unit(&self) -> &str {
        let any = self.xen.or(self.ours).or(self.bare);
        any.map_or("", |figure| if figure.unit == "instructions" { "" } else { &figure.unit })
    }
}

fn rows<'a>(measured: &'a Measured, prefix: &str) -> Vec<Row<'a>> {
    let all = [&measured.xen, &measured.ours, &measured.bare];
    let mut names: Vec<&String> =
        all.iter().flat_map(|figures| figures.keys()).filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names.dedup();
    let find = |figures: &'a Figures, name: &str| figures.get(name);
    names
        .into_iter()
        .map(|name| Row {
            name,
            xen: find(&measured.xen, name),
            ours: find(&measured.ours, name),
            bare: find(&measured.bare, name),
        })
        .collect()
}

/// A number with its digits in groups.
fn number(figure: Option<&Figure>) -> String {
    let Some(figure) = figure else { return "-".into() };
    let digits = format!("{:.0}", figure.value);
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 && !text.ends_with('-') {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn ratio(row: &Row) -> String {
    row.ratio().map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"))
}

/// Prints the table; returns the names of the figures above the limit.
pub fn print(measured: &Measured, limit: Option<f64>) -> Vec<String> {
    let mut worse = Vec::new();
    println!(
        "\n{:40} {:>16} {:>16} {:>6} {:>16}",
        "lower is better", "Xen 4.20", "free-xen", "ratio", "bare machine"
    );
    for (prefix, title) in GROUPS {
        let rows = rows(measured, prefix);
        if !rows.is_empty() {
            println!("{title}");
        }
        for row in rows {
            let (xen, ours, bare) = (number(row.xen), number(row.ours), number(row.bare));
            let note = if row.ratio().is_some_and(|ratio| ratio > NOISE) { "worse" } else { "" };
            println!(
                "  {:38} {xen:>16} {ours:>16} {:>6} {bare:>16} {:4} {note}",
                row.name,
                ratio(&row),
                row.unit()
            );
            if limit.is_some_and(|limit| row.ratio().is_some_and(|ratio| ratio > limit)) {
                worse.push(row.name.to_owned());
            }
        }
    }
    println!();
    worse
}

/// The table for `docs`.
pub fn markdown(measured: &Measured, commit: &str) -> String {
    let mut text = format!(
        "# Measured against Debian's Xen\n\n\
         Written by `cargo xtask bench` at commit `{commit}`. QEMU with `-icount shift=0`, one emulated EPYC, 4 GiB, Dom0 with \
         1 GiB, Debian 13. The figures are executed instructions unless a unit stands there, time without work included (a \
         nanosecond counts as one); lower is better. *Ratio* is free-xen's figure divided by that of Xen 4.20. *Bare* is Dom0's \
         kernel on the emulated machine without a hypervisor. How fast a real processor would be, these figures do not say. \
         The same in JSON: [`bench.json`](bench.json).\n"
    );
    for (prefix, title) in GROUPS {
        let rows = rows(measured, prefix);
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## {title}\n\n| what | Xen 4.20 | free-xen | ratio | bare |\n|---|--:|--:|--:|--:|\n"
        );
        for row in rows {
            let name = row.name.strip_prefix(prefix).unwrap_or(row.name);
            let unit = if row.unit().is_empty() { String::new() } else { format!(" ({})", row.unit()) };
            let (xen, ours, bare) = (number(row.xen), number(row.ours), number(row.bare));
            let _ = writeln!(text, "| {name}{unit} | {xen} | {ours} | {} | {bare} |", ratio(&row));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64) -> Figure {
        Figure { value, unit: "instructions".into() }
    }

    #[test]
    fn rows_are_compared_by_name() {
        let figures = |value| Figures::from([("call.a".to_owned(), figure(value))]);
        let bare = Figures::from([("dom0.b".to_owned(), figure(1_234_567.0))]);
        let measured = Measured { xen: figures(1000.0), ours: figures(2500.0), bare };
        let text = markdown(&measured, "abc");
        assert!(text.contains("| a | 1 000 | 2 500 | 2.50 | - |"), "{text}");
        assert!(text.contains("| b | - | - | - | 1 234 567 |"), "{text}");
        assert_eq!(print(&measured, Some(1.0)), ["call.a"]);
        assert!(print(&measured, Some(3.0)).is_empty());
    }
}
