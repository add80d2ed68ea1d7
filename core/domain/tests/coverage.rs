//! `docs/abi-coverage.toml` against the constants of `xen-abi` and against the dispatchers of this crate, so that the table
//! cannot rot; and `docs/abi-coverage.md` against the table. `FX_BLESS=1` writes the latter anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A family of operations: its section, its title, the file of `xen-abi` that lists it, and the prefix of the constants.
struct Family {
    section: &'static str,
    title: &'static str,
    source: &'static str,
    /// Constants of the prefix that are no operations.
    besides: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    family("HYPERVISOR", "Hypercalls", "hypercall.rs"),
    family("XENMEM", "`memory_op`", "memory.rs"),
    family("EVTCHNOP", "`event_channel_op`", "event_channel.rs"),
    family("GNTTABOP", "`grant_table_op`", "grant_table.rs"),
    family("MMUEXT", "`mmuext_op`", "xen.rs"),
    family("SCHEDOP", "`sched_op`", "sched.rs"),
    family("VCPUOP", "`vcpu_op`", "vcpu.rs"),
    family("PHYSDEVOP", "`physdev_op`", "physdev.rs"),
    family("XENVER", "`xen_version`", "version.rs"),
    family("CONSOLEIO", "`console_io`", "xen.rs"),
    family("CALLBACKOP", "`callback_op`", "callback.rs"),
    family("XEN_HYPFS_OP", "`hypfs_op`", "hypfs.rs"),
    family("HVMOP", "`hvm_op`", "hvm_op.rs"),
    family("XEN_DMOP", "`dm_op`", "dm_op.rs"),
    Family {
        besides: &["XEN_DOMCTL_INTERFACE_VERSION"],
        ..family("XEN_DOMCTL", "`domctl`", "domctl/mod.rs")
    },
    Family {
        besides: &["XEN_SYSCTL_INTERFACE_VERSION"],
        ..family("XEN_SYSCTL", "`sysctl`", "sysctl/mod.rs")
    },
    Family {
        // The last is another name of settime64.
        besides: &["XENPF_INTERFACE_VERSION", "XENPF_SETTIME"],
        ..family("XENPF", "`platform_op`", "platform/mod.rs")
    },
];

const fn family(section: &'static str, title: &'static str, source: &'static str) -> Family {
    Family { section, title, source, besides: &[] }
}

/// Operations that a dispatcher names only to answer with the default error.
const NAMED_IN_VAIN: &[&str] = &["GNTTABOP_DUMP_TABLE", "HYPERVISOR_NMI_OP"];

/// One row of the table.
struct Row {
    name: String,
    status: String,
    error: Option<String>,
    remark: String,
}

struct Section {
    name: String,
    default: String,
    rows: Vec<Row>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `"status[ ERROR][: remark]"`.
fn row(name: &str, value: &str) -> Row {
    let (head, remark) = value.split_once(": ").unwrap_or((value, ""));
    let mut words = head.split(' ');
    let status = words.next().unwrap_or_default().to_owned();
    let error = words.next().map(str::to_owned);
    assert!(words.next().is_none(), "{name}: more than a status and an error before the colon");
    Row { name: name.to_owned(), status, error, remark: remark.to_owned() }
}

/// The subset of TOML that the table is written in: sections, and one text for each key.
fn table() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in read(&root().join("docs/abi-coverage.toml")).lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), default: String::new(), rows: Vec::new() });
            continue;
        }
        let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("not understood: {line}"));
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let value = value.unwrap_or_else(|| panic!("no text in quotes: {line}"));
        let section = sections.last_mut().unwrap_or_else(|| panic!("before the first section: {line}"));
        if key == "default" {
            section.default = value.to_owned();
        } else {
            section.rows.push(row(key, value));
        }
    }
    sections
}

/// The words of a text that look like constants.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}

/// The operations of a family: the first run of constants with its prefix (in a module of its own: all).
fn operations(f: &Family) -> BTreeSet<String> {
    let text = read(&root().join("abi/src").join(f.source));
    let prefix = format!("{}_", f.section);
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let code = line.trim().strip_prefix("pub const ").unwrap_or(line.trim());
        let declares = code.starts_with(&prefix) && code.contains('=');
        if declares && let Some(name) = words(code).next() {
            names.insert(name.to_owned());
        } else if line == "}" && !names.is_empty() && !f.source.ends_with("/mod.rs") {
            break;
        }
    }
    for name in f.besides {
        assert!(names.remove(*name), "{name} is no constant of {}", f.source);
    }
    names
}

/// Every word in the code of this crate, tests and comments apart.
fn named() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = read(&path);
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
                found.extend(lines.flat_map(words).map(str::to_owned));
            }
        }
    }
    found
}

fn section<'a>(table: &'a [Section], f: &Family) -> &'a Section {
    table.iter().find(|s| s.name == f.section).unwrap_or_else(|| panic!("no section [{}]", f.section))
}

#[test]
fn every_operation_has_a_row() {
    let table = table();
    assert_eq!(table.len(), FAMILIES.len(), "a section of no family");
    for f in FAMILIES {
        let wanted = operations(f);
        assert!(wanted.len() > 1, "{} has no operations in {}", f.section, f.source);
        let rows = &section(&table, f).rows;
        let there: BTreeSet<_> = rows.iter().map(|r| r.name.clone()).collect();
        assert_eq!(there.len(), rows.len(), "[{}] has an operation twice", f.section);
        let missing: Vec<_> = wanted.difference(&there).collect();
        let unknown: Vec<_> = there.difference(&wanted).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "[{}] lacks {missing:?}, has {unknown:?}",
            f.section
        );
    }
}

#[test]
fn rows_agree_with_the_dispatchers() {
    let named = named();
    for s in table() {
        assert!(s.default.starts_with('E'), "[{}] has no default", s.name);
        for r in s.rows {
            let name = &r.name;
            let is_named = named.contains(name);
            match r.status.as_str() {
                "done" | "partial" => {
                    assert!(is_named, "{name} is {} but no code of fx-domain names it", r.status);
                    assert!(r.error.is_none(), "{name} works and has an error");
                    assert!(r.status == "done" || !r.remark.is_empty(), "{name}: partial without a remark");
                }
                "refused" | "missing" => {
                    assert!(!r.remark.is_empty(), "{name} without a reason");
                    let by_default = r.error.as_deref() == Some(&*s.default);
                    if !NAMED_IN_VAIN.contains(&&**name) {
                        assert_eq!(
                            by_default, !is_named,
                            "{name}: the default error is for what no code names"
                        );
                    }
                    if let Some(e) = &r.error {
                        assert!(named.contains(e), "{name}: no code answers {e}");
                    }
                }
                other => panic!("{name}: {other} is no status"),
            }
        }
    }
}

fn rendered() -> String {
    let table = table();
    let count = |status: &str| table.iter().flat_map(|s| &s.rows).filter(|r| r.status == status).count();
    let mut out = format!(
        "# Coverage of the interface\n\n\
         What becomes of every hypercall and operation of Xen 4.20's public interface. Made from `abi-coverage.toml` by\n\
         `FX_BLESS=1 cargo test -p fx-domain --test coverage`; the same test fails when the table does not fit the code.\n\n\
         | status | how many | meaning |\n|---|---|---|\n\
         | done | {} | works as the public header says, for Dom0 and for the guests that it concerns |\n\
         | partial | {} | works, less what the remark says |\n\
         | refused | {} | nothing behind it in a Xen like Debian's either; the error is what such a Xen answers |\n\
         | missing | {} | not yet; the error is what the caller gets meanwhile |\n\n\
         *done* says what the code does, not that every path of it was run: what runs is in `CAVEATS.md`. Errors of\n\
         *refused* rows follow the public headers; those marked \"compared\" were seen on Debian's Xen.\n",
        count("done"),
        count("partial"),
        count("refused"),
        count("missing")
    );
    for f in FAMILIES {
        let s = section(&table, f);
        let _ = write!(out, "\n## {}\n\nOperations that are not listed get `{}`.\n\n", f.title, s.default);
        out.push_str("| operation | status | error | remark |\n|---|---|---|---|\n");
        for r in &s.rows {
            let error = r.error.as_ref().map(|e| format!("`{e}`")).unwrap_or_default();
            let _ = writeln!(out, "| `{}` | {} | {error} | {} |", r.name, r.status, r.remark);
        }
    }
    out
}

#[test]
fn the_document_is_up_to_date() {
    let file = root().join("docs/abi-coverage.md");
    let wanted = rendered();
    if std::env::var_os("FX_BLESS").is_some() {
        fs::write(&file, wanted).unwrap();
        return;
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == wanted,
        "docs/abi-coverage.md is stale: FX_BLESS=1 cargo test -p fx-domain --test coverage"
    );
}
