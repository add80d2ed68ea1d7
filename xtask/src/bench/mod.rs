//! `bench`: the same work on Debian's Xen, on ours, and, as the limit, Dom0's kernel on the bare machine. QEMU counts
//! instructions (`-icount shift=0`), so the figures hardly depend on the host: two runs differ by less than one percent in
//! the long ones.

mod parts;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::{build, image, paths, report};
use parts::{Part, System};

/// Options of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// Compare this hypervisor instead of building ours; docs/bench.md is then left alone
    #[arg(long, value_name = "FILE")]
    hypervisor: Option<PathBuf>,
    /// Measure Debian's Xen and the bare machine again, though their figures are in the cache
    #[arg(long)]
    fresh: bool,
    /// Only these parts; docs/bench.md is then left alone
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<parts::Kind>,
    /// Write docs/bench.md also when only some parts were measured
    #[arg(long)]
    docs: bool,
    /// More arguments of QEMU for our machines, such as a plugin that counts where the instructions go
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    qemu_args: String,
    /// Fail when a figure is worse than Debian's Xen times this
    #[arg(long, value_name = "RATIO")]
    limit: Option<f64>,
}

/// One figure; lower is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// How many.
    pub value: f64,
    /// Of what.
    pub unit: String,
}

/// Names of figures, and the figures.
pub type Figures = BTreeMap<String, Figure>;

/// What was measured of the three.
pub struct Measured {
    /// Debian's Xen.
    pub xen: Figures,
    /// Ours.
    pub ours: Figures,
    /// No hypervisor at all.
    pub bare: Figures,
}

/// Measures all and prints the comparison; it is also written to `target/bench.json`, and a whole one to `docs`.
pub fn bench(args: &BenchArgs) -> Result<()> {
    report::elapsed();
    let ours = match &args.hypervisor {
        Some(file) => file.clone(),
        None => build::hypervisor()?,
    };
    let image = image::image()?;
    let guests = build::guests()?;
    let chosen = |part: &Part| args.only.is_empty() || args.only.contains(&part.kind);
    let all = |system: System, fresh: bool| -> Result<Figures> {
        let mut figures = Figures::new();
        for mut part in parts::of(&system, &image, &guests)?.into_iter().filter(|part| chosen(part)) {
            if matches!(system, System::Ours(_)) {
                part.machine.qemu_args = args.qemu_args.split_whitespace().map(str::to_owned).collect();
            }
            let part = &part;
            figures.extend(if fresh { part.measure()? } else { kept(part)? });
        }
        figures.extend(system.sizes(&image)?);
        Ok(figures)
    };
    let measured = Measured {
        bare: all(System::Bare, args.fresh)?,
        xen: all(System::Xen, args.fresh)?,
        ours: all(System::Ours(ours), true)?,
    };
    let worse = table::print(&measured, args.limit);
    write_files(&measured, args.docs || (args.only.is_empty() && args.hypervisor.is_none()))?;
    if !worse.is_empty() {
        bail!("worse than the limit: {}", worse.join(", "));
    }
    Ok(())
}

/// Writes the JSON file, and the files in `docs` too.
fn write_files(measured: &Measured, docs: bool) -> Result<()> {
    let commit = crate::proc::output(
        std::process::Command::new("git")
            .current_dir(paths::root())
            .args(["describe", "--always", "--dirty"]),
    )?;
    let of = |figures: &Figures| -> Value {
        figures
            .iter()
            .map(|(name, figure)| (name.clone(), json!({ "value": figure.value, "unit": figure.unit })))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let text = serde_json::to_string_pretty(&json!({
        "commit": commit.trim(),
        "xen": of(&measured.xen),
        "free-xen": of(&measured.ours),
        "bare": of(&measured.bare),
    }))?;
    let mut files = vec![(paths::target().join("bench.json"), text.clone())];
    if docs {
        let folder = paths::root().join("docs");
        files.push((folder.join("bench.json"), text + "\n"));
        files.push((folder.join("bench.md"), table::markdown(measured, commit.trim())));
    }
    for (file, text) in files {
        std::fs::write(&file, text)?;
        report::say(format_args!("figures: {}", file.display()));
    }
    Ok(())
}

/// The figures of a part from the cache, if nothing that they follow from has changed; else it is measured.
fn kept(part: &Part) -> Result<Figures> {
    let file = paths::cache().join(format!("{}.json", part.name));
    let key = image::hash(&part.inputs.iter().collect::<Vec<_>>())?;
    if let Some(figures) = read_kept(&file, &key) {
        report::say(format_args!("{}: from {}", part.name, file.display()));
        return Ok(figures);
    }
    let figures = part.measure()?;
    let values: Vec<Value> =
        figures.iter().map(|(name, figure)| json!([name, figure.value, figure.unit])).collect();
    let text = serde_json::to_string_pretty(&json!({ "key": key, "figures": values }))?;
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(figures)
}

fn read_kept(file: &Path, key: &str) -> Option<Figures> {
    let kept: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    if kept["key"] != key {
        return None;
    }
    let figure = |row: &Value| {
        let figure = Figure { value: row[1].as_f64()?, unit: row[2].as_str()?.to_owned() };
        Some((row[0].as_str()?.to_owned(), figure))
    };
    kept["figures"].as_array()?.iter().map(figure).collect()
}
