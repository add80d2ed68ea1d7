//! A table of C expressions with this crate's values, and what the C compiler makes of them.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

/// Expressions of C, each with the value that this crate has for it.
pub struct Table {
    include: PathBuf,
    checks: Vec<(String, i128)>,
    names: BTreeSet<String>,
    missing: Vec<String>,
}

impl Table {
    /// An empty table, or nothing where Xen's public headers are not installed.
    pub fn new() -> Option<Self> {
        let include = include_folder()?;
        Some(Self { include, checks: vec![], names: BTreeSet::new(), missing: vec![] })
    }

    /// Checks a constant, by its name in C or by an expression.
    pub fn number(&mut self, expression: &str, ours: i128) {
        self.names.insert(expression.to_owned());
        self.checks.push((format!("(long long)({expression})"), ours));
    }

    /// Checks the size of a type.
    pub fn size(&mut self, c: &str, ours: usize) {
        self.names.insert(c.to_owned());
        self.checks.push((format!("sizeof({c})"), ours as i128));
    }

    /// Checks offset and size of a field.
    pub fn field(&mut self, c: &str, field: &str, offset: usize, size: usize) {
        let field = field.trim_start_matches("r#");
        self.checks.push((format!("offsetof({c}, {field})"), offset as i128));
        self.checks.push((format!("sizeof((({c} *)0)->{field})"), size as i128));
    }

    /// Every constant and every struct of `header` must be in the table, but those that begin with one of `except`.
    pub fn complete(&mut self, header: &str, except: &[&str]) {
        let text = fs::read_to_string(self.include.join("xen").join(header)).unwrap();
        let constants = text.lines().filter_map(constant).map(str::to_owned);
        let structs = text.lines().filter_map(structure).map(|name| format!("struct {name}"));
        for name in constants.chain(structs) {
            let excepted = except.iter().any(|prefix| name.trim_start_matches("struct ").starts_with(prefix));
            if !excepted && !self.names.contains(&name) {
                self.missing.push(format!("{header}: {name} is not in this crate"));
            }
        }
    }

    /// Compiles, runs and compares.
    pub fn run(self, headers: &[&str]) {
        let theirs = self.evaluate(headers);
        assert_eq!(theirs.len(), self.checks.len());
        let differ = self.checks.iter().zip(&theirs).filter(|((_, ours), theirs)| ours != *theirs);
        let differ = differ.map(|((what, ours), theirs)| format!("{what}: {ours:#x} here, {theirs:#x} in C"));
        let wrong: Vec<String> = differ.chain(self.missing.iter().cloned()).collect();
        assert!(
            wrong.is_empty(),
            "{} of {} checks fail:\n{}",
            wrong.len(),
            self.checks.len(),
            wrong.join("\n")
        );
        println!("{} checks agree with the headers", self.checks.len());
    }

    /// The values of all expressions, through a C program.
    fn evaluate(&self, headers: &[&str]) -> Vec<i128> {
        let mut source = "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n".to_owned();
        source.extend(headers.iter().map(|header| format!("#include <xen/{header}>\n")));
        source += "static const long long values[] = {\n";
        source.extend(self.checks.iter().map(|(expression, _)| format!("{expression},\n")));
        source += "};\nint main(void) {\n";
        source +=
            "for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) printf(\"%lld\\n\", values[i]);\n";
        source += "return 0; }\n";
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("abi-control");
        let file = program.with_extension("c");
        fs::write(&file, source).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-w", "-D__XEN_TOOLS__", "-I"])
            .arg(&self.include)
            .arg("-o")
            .arg(&program)
            .arg(&file);
        assert!(cc.status().unwrap().success(), "cc failed on {}", file.display());
        let output = Command::new(&program).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// The folder that holds `xen/domctl.h`: `XEN_INCLUDE`, its parent (so that it may name `xen` itself), or the system's.
fn include_folder() -> Option<PathBuf> {
    let named = env::var_os("XEN_INCLUDE").map(PathBuf::from);
    let parent = named.as_ref().and_then(|folder| folder.parent().map(PathBuf::from));
    let folders = [named, parent, Some(PathBuf::from("/usr/include"))];
    folders.into_iter().flatten().find(|folder| folder.join("xen/domctl.h").is_file())
}

/// The constant that a line defines: neither a macro with arguments, nor a header's guard, nor a bit's number.
fn constant(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?.trim_start();
    let (name, value) = rest.split_at(rest.find(|c: char| !c.is_alphanumeric() && c != '_')?);
    let value = value.split("/*").next()?;
    (!name.starts_with('_') && !value.starts_with('(') && !value.contains('"') && !value.trim().is_empty())
        .then_some(name)
}

/// The struct that a line begins to define.
fn structure(line: &str) -> Option<&str> {
    line.strip_prefix("typedef ").unwrap_or(line).strip_prefix("struct ")?.strip_suffix(" {")
}

/// The size of a field.
pub fn field_size<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// Checks structs: `structs!(table; Type = "C type" { field … } …)`.
#[macro_export]
macro_rules! structs {
    ($table:ident; $($type:ident = $c:literal { $($field:ident)* })*) => {
        $(
            $table.size($c, size_of::<$type>());
            $(
                $table.field(
                    $c,
                    stringify!($field),
                    core::mem::offset_of!($type, $field),
                    $crate::harness::field_size(|whole: &$type| &whole.$field),
                );
            )*
        )*
    };
}

/// Checks constants: `numbers!(table; "C name" = NAME …)`.
#[macro_export]
macro_rules! numbers {
    ($table:ident; $($c:literal = $name:ident)*) => {
        $($table.number($c, $name as i128);)*
    };
}
