//! Compares tables of numbers with the C headers: a generated C program prints what the compiler makes of each
//! expression. `XEN_INCLUDE` names the headers' folder (the one that holds `xen.h`, or its parent).

#![allow(dead_code, unused_macros, reason = "each test file uses a part of this")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process::Command,
};

/// Expressions of C and what this crate has for them.
pub struct Table {
    folder: PathBuf,
    headers: Vec<&'static str>,
    /// The C names for each name in upper case.
    defines: BTreeMap<String, BTreeSet<String>>,
    checked: BTreeSet<String>,
    checks: Vec<(String, i128)>,
    missing: Vec<String>,
}

impl Table {
    /// A table over some headers; nothing where the headers are not installed.
    pub fn new(headers: &[&'static str]) -> Option<Self> {
        let Some(folder) = folder() else {
            println!("skipped: XEN_INCLUDE does not name the folder of Xen's public headers");
            return None;
        };
        let mut defines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for header in headers {
            let text = fs::read_to_string(folder.join(header)).unwrap();
            for name in text.lines().filter_map(defined) {
                defines.entry(key(name)).or_default().insert(name.to_owned());
            }
        }
        let headers = headers.to_vec();
        Some(Self { folder, headers, defines, checked: BTreeSet::new(), checks: vec![], missing: vec![] })
    }

    /// Checks one expression.
    pub fn expr(&mut self, expression: impl Into<String>, ours: impl TryInto<i128>) {
        let ours = ours.try_into().unwrap_or_else(|_| panic!("number too large"));
        self.checks.push((expression.into(), ours));
    }

    /// Checks a constant by its name in upper case, in all the spellings that the headers have.
    pub fn number(&mut self, name: &str, ours: impl TryInto<i128>) {
        let Ok(ours) = ours.try_into() else { panic!("number too large") };
        self.checked.insert(name.to_owned());
        match self.defines.get(name) {
            None => self.missing.push(format!("{name}: no such definition in the headers")),
            Some(names) => self.checks.extend(names.iter().map(|name| (name.clone(), ours))),
        }
    }

    /// Every definition of the headers with one of these prefixes must have been checked by [`Table::number`].
    pub fn complete(&mut self, prefixes: &[&str], except: &[&str]) {
        for (name, names) in &self.defines {
            let wanted = prefixes.iter().any(|prefix| name.starts_with(prefix));
            if wanted && !self.checked.contains(name) && !except.contains(&name.as_str()) {
                self.missing.push(format!("{names:?}: not in this crate"));
            }
        }
    }

    /// Compiles, runs and compares.
    pub fn run(self, test: &str) {
        let printed = self.print(test);
        assert_eq!(printed.len(), self.checks.len());
        let wrong = self.checks.iter().zip(&printed).filter(|((_, ours), theirs)| ours != *theirs);
        let wrong = wrong.map(|((what, ours), theirs)| format!("{what}: ours {ours:#x}, C {theirs:#x}"));
        let wrong: Vec<_> = wrong.chain(self.missing.iter().cloned()).collect();
        assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), self.checks.len(), wrong.join("\n"));
        println!("{test}: {} checks agree", self.checks.len());
    }

    fn print(&self, test: &str) -> Vec<i128> {
        let mut source = "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n".to_owned();
        for header in &self.headers {
            source += &format!("#include \"{}\"\n", self.folder.join(header).display());
        }
        // Values above the signed range print as they are, negative ones with their sign.
        source += "#define P(x) printf((x) < 0 ? \"%lld\\n\" : \"%llu\\n\", (unsigned long long)(x));\nint main(void) {\n";
        for (expression, _) in &self.checks {
            source += &format!("P({expression})\n");
        }
        source += "return 0; }\n";
        let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("abi-{test}"));
        let file = base.with_extension("c");
        fs::write(&file, source).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-w", "-D__XEN_TOOLS__", "-o"]).arg(&base).arg(&file);
        assert!(cc.status().unwrap().success(), "cc failed on {}", file.display());
        let output = Command::new(&base).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// The folder that holds `xen.h`.
fn folder() -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os("XEN_INCLUDE")?);
    let folder = [named.join("xen"), named].into_iter().find(|folder| folder.join("xen.h").is_file())?;
    folder.canonicalize().ok()
}

/// The name that a line defines, unless it takes arguments or has no value.
fn defined(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?.trim_start();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (name, value) = rest.split_at(end);
    let value = value.split("/*").next()?;
    (!value.starts_with('(') && !value.trim().is_empty()).then_some(name)
}

/// How this crate spells a name of C.
fn key(name: &str) -> String {
    name.strip_prefix("__").unwrap_or(name).to_uppercase()
}

/// The size of a field.
pub fn field_size<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// Checks constants of a module: `numbers!(table, module: A B C)`.
macro_rules! numbers {
    ($table:ident, $module:ident: $($name:ident)*) => {
        $($table.number(stringify!($name), xen_abi::$module::$name);)*
    };
}

/// Checks size and fields of a structure: `layout!(table, module::Type = "C type"; a b (c "C's c"))`.
macro_rules! layout {
    ($table:ident, $module:ident::$type:ident = $c:literal; $($field:tt)*) => {
        $table.expr(concat!("sizeof(", $c, ")"), size_of::<xen_abi::$module::$type>());
        $(layout!(@ $table, $module::$type, $c, $field);)*
    };
    (@ $table:ident, $module:ident::$type:ident, $c:literal, ($field:ident $name:literal)) => {
        layout!(@@ $table, $module::$type, $c, $field, $name);
    };
    (@ $table:ident, $module:ident::$type:ident, $c:literal, $field:ident) => {
        layout!(@@ $table, $module::$type, $c, $field, stringify!($field));
    };
    (@@ $table:ident, $module:ident::$type:ident, $c:literal, $field:ident, $name:expr) => {
        $table.expr(
            format!("offsetof({}, {})", $c, $name),
            core::mem::offset_of!(xen_abi::$module::$type, $field),
        );
        $table.expr(
            format!("sizeof((({} *)0)->{})", $c, $name),
            common::field_size(|s: &xen_abi::$module::$type| &s.$field),
        );
    };
}

/// Checks the members of a union that this crate has as a type of its own:
/// `member!(table, module::Type.field = Member, "C type", "path."; a b)`.
macro_rules! member {
    ($table:ident, $module:ident::$type:ident.$union:ident = $member:ident, $c:literal, $path:literal; $($field:ident)*) => {
        $(
            $table.expr(
                concat!("offsetof(", $c, ", ", $path, stringify!($field), ")"),
                core::mem::offset_of!(xen_abi::$module::$type, $union)
                    + core::mem::offset_of!(xen_abi::$module::$member, $field),
            );
            $table.expr(
                concat!("sizeof(((", $c, " *)0)->", $path, stringify!($field), ")"),
                common::field_size(|s: &xen_abi::$module::$member| &s.$field),
            );
        )*
    };
}
