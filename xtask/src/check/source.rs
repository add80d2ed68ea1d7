//! Rules about source files: where unsafe stands, the lint that forbids it, sizes, READMEs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{paths, report};

/// Folders that may contain unsafe code.
const UNSAFE: &[&str] = &["prim", "hw", "hypervisor", "guests"];
/// Folders whose crates forbid it.
const SAFE: &[&str] = &["abi", "core"];
/// Folders that are not ours to check.
const SKIPPED: &[&str] = &["target", "build", ".git"];
/// Lines of a Rust file: more is wrong, more than the second is worth a look.
const MAX_LINES: usize = 700;
const MANY_LINES: usize = 500;

/// Rust files with unsafe code outside of the folders for it.
pub fn unsafe_places() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files(|path| path.extension().is_some_and(|e| e == "rs"))? {
        if UNSAFE.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        for number in lines_with_unsafe(&read(&file)?) {
            problems.push(format!("{}:{number}: unsafe is not allowed here", file.display()));
        }
    }
    Ok(problems)
}

/// Crates of `abi` and `core` that do not forbid unsafe code.
pub fn missing_forbids() -> Result<Vec<String>> {
    let roots = files(|path| path.ends_with("src/lib.rs"))?;
    let roots = roots.into_iter().filter(|path| SAFE.iter().any(|folder| path.starts_with(folder)));
    let mut problems = Vec::new();
    for root in roots {
        if !read(&root)?.contains("#![forbid(unsafe_code)]") {
            problems.push(format!("{} lacks #![forbid(unsafe_code)]", root.display()));
        }
    }
    Ok(problems)
}

/// Crates without a README.md.
pub fn missing_readmes() -> Result<Vec<String>> {
    let manifests = files(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))?;
    let missing =
        manifests.iter().filter(|path| !paths::root().join(path).with_file_name("README.md").is_file());
    Ok(missing.map(|path| format!("no README.md beside {}", path.display())).collect())
}

/// Rust files that have grown too large.
pub fn large_files() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files(|path| path.extension().is_some_and(|e| e == "rs"))? {
        let lines = read(&file)?.lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{}: {lines} lines, more than {MAX_LINES}", file.display()));
        } else if lines > MANY_LINES {
            report::say(format_args!("  size: note: {}: {lines} lines", file.display()));
        }
    }
    Ok(problems)
}

/// Files of the repository that `wanted` chooses, relative to its root, sorted.
fn files(wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let root = paths::root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !SKIPPED.iter().any(|name| entry.file_name() == **name) {
                    folders.push(path);
                }
            } else if wanted(&path) {
                found.push(
                    path.strip_prefix(&root).context("a path outside of the repository")?.to_path_buf(),
                );
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(paths::root().join(file)).with_context(|| format!("cannot read {}", file.display()))
}

/// Numbers of the lines with the keyword `unsafe` in code.
fn lines_with_unsafe(text: &str) -> Vec<usize> {
    let code = without_comments_and_strings(text);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let has = |line: &str| line.split(|c| !is_word(c)).any(|word| word == "unsafe");
    code.lines().enumerate().filter(|(_, line)| has(line)).map(|(index, _)| index + 1).collect()
}

/// The text with comments and the contents of string literals taken out; lines stay lines. Nested block comments
/// and raw strings with quotes in them are not understood: nobody writes `unsafe` there by accident.
fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('/', Some('/')) => {
                while chars.peek().is_some_and(|&c| c != '\n') {
                    chars.next();
                }
            }
            ('/', Some('*')) => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    if c == '\n' {
                        code.push(c);
                    }
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            // The character '"' is not the beginning of a string.
            ('\'', Some('"')) => {
                chars.next();
            }
            ('"', _) => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '\n' => code.push(c),
                        '"' => break,
                        _ => (),
                    }
                }
            }
            _ => code.push(c),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::lines_with_unsafe;

    #[test]
    fn only_code_counts() {
        let text = "// unsafe\n#![forbid(unsafe_code)]\n/* unsafe\n */ let a = \"unsafe \\\" unsafe\";\nunsafe { x() }\n\
                    let q = '\"'; unsafe fn f() {}\n";
        assert_eq!(lines_with_unsafe(text), [5, 6]);
    }
}
