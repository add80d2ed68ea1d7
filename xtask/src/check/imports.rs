//! Which crate may import which: the table of ARCHITECTURE.md, enforced over `cargo metadata`.

use anyhow::Result;
use serde_json::Value;

use super::{folder, packages};

/// Folder (or beginning of folders) and the folders that its crates may import; the first row that fits counts.
/// Mechanisms of the core do not import each other, but for three that are named here: `core/domain` composes them, and
/// `hw/platform` those of `hw`.
const TABLE: &[(&str, &[&str])] = &[
    ("abi", &[]),
    ("prim/", &[]),
    ("core/types", &["abi", "prim/"]),
    ("core/pagetables", &["abi", "prim/", "core/types", "core/frames"]),
    ("core/p2m", &["abi", "prim/", "core/types", "core/virt"]),
    ("core/insn", &["abi", "prim/", "core/types", "core/virt"]),
    ("core/domain", &["abi", "prim/", "core/"]),
    ("core/", &["abi", "prim/", "core/types"]),
    ("hw/platform", &["abi", "prim/", "core/types", "hw/x86", "hw/acpi"]),
    ("hw/svm", &["abi", "prim/", "core/types", "core/virt"]),
    ("hw/vmx", &["abi", "prim/", "core/types", "core/virt", "hw/x86"]),
    ("hw/", &["abi", "prim/", "core/types"]),
    ("hypervisor", &["abi", "prim/", "core/", "hw/"]),
    ("sim", &["abi", "prim/", "core/"]),
    ("sim/", &["abi", "prim/", "core/", "sim"]),
    ("guests/", &["abi", "guests/"]),
    ("dom0/", &["abi", "dom0/"]),
    ("xtask", &[]),
];

/// What tests may import besides.
const FOR_TESTS: &[&str] = &["sim", "core/types", "prim/", "abi"];

/// Imports that the table does not allow.
pub fn problems() -> Result<Vec<String>> {
    let packages = packages()?;
    let mut problems = Vec::new();
    for package in &packages {
        let from = folder(package);
        let Some((_, allowed)) = TABLE.iter().find(|(prefix, _)| fits(&from, prefix)) else {
            problems.push(format!("{from} has no row in the import table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(to) = own_folder(&packages, dependency) else { continue };
            let test = dependency["kind"] == "dev" && FOR_TESTS.iter().any(|prefix| fits(&to, prefix));
            if !test && !allowed.iter().any(|prefix| fits(&to, prefix)) {
                problems.push(format!("{from} must not import {to}"));
            }
        }
    }
    Ok(problems)
}

/// The folder of a dependency when it is one of our packages.
fn own_folder(packages: &[Value], dependency: &Value) -> Option<String> {
    dependency["path"].as_str()?;
    packages.iter().find(|package| package["name"] == dependency["name"]).map(folder)
}

/// `abi` fits only itself, `core/` everything below it.
fn fits(folder: &str, prefix: &str) -> bool {
    folder == prefix || (prefix.ends_with('/') && folder.starts_with(prefix))
}
