//! `bench`: the same job on Debian's Xen and on ours. QEMU counts instructions (`-icount shift=0`), so the figures
//! hardly depend on the host: two runs differ by less than one percent in the long ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::image::{self, Image};
use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::{build, paths, report};

/// Options of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// Compare this hypervisor instead of building ours
    #[arg(long, value_name = "FILE")]
    hypervisor: Option<PathBuf>,
    /// Measure Debian's Xen again, though its figures are in the cache
    #[arg(long)]
    fresh: bool,
    /// Fail when a figure is worse than Debian's Xen times this
    #[arg(long, value_name = "RATIO")]
    limit: Option<f64>,
}

/// Two runs of the same hypervisor differ by a few percent in the shortest figures.
const NOISE: f64 = 1.03;

/// Names of figures and the figures; lower is better.
type Figures = BTreeMap<String, f64>;

/// Measures both and prints the comparison; it is also written to `target/bench.json`.
pub fn bench(args: &BenchArgs) -> Result<()> {
    report::elapsed();
    let ours = match &args.hypervisor {
        Some(file) => file.clone(),
        None => build::hypervisor()?,
    };
    let image = image::image()?;
    let reference = reference(&image, args.fresh)?;
    let ours = report::step("measure ours", || measure(&image, Some(ours), "bench-ours"))?;
    let worse = print(&reference, &ours, args.limit);
    let file = paths::target().join("bench.json");
    std::fs::write(&file, serde_json::to_string_pretty(&json!({ "xen": reference, "ours": ours }))?)?;
    report::say(format_args!("figures: {}", file.display()));
    if !worse.is_empty() {
        bail!("worse than the limit: {}", worse.join(", "));
    }
    Ok(())
}

/// The figures of Debian's Xen: they only change with the image and the job, so they are kept.
fn reference(image: &Image, fresh: bool) -> Result<Figures> {
    let kept = paths::cache().join("bench-reference.json");
    let inputs =
        [&image.disk.with_extension("img.stamp"), &image.tool, &paths::image_sources().join("jobs/bench.sh")];
    let key = image::hash(&inputs)?;
    if !fresh && let Some(figures) = read_kept(&kept, &key) {
        report::say(format_args!("figures of Debian's Xen: from {}", kept.display()));
        return Ok(figures);
    }
    let figures = report::step("measure Debian's Xen", || measure(image, None, "bench-reference"))?;
    std::fs::write(&kept, serde_json::to_string_pretty(&json!({ "key": key, "figures": figures }))?)?;
    Ok(figures)
}

fn read_kept(file: &std::path::Path, key: &str) -> Option<Figures> {
    let kept: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    if kept["key"] != key {
        return None;
    }
    kept["figures"].as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
}

/// Runs the job once.
fn measure(image: &Image, hypervisor: Option<PathBuf>, name: &str) -> Result<Figures> {
    let boot = Boot { name: name.into(), hypervisor, jobs: vec!["bench".into()], ..Boot::default() };
    let machine = boot.machine(image, paths::target().join(format!("{name}.log")))?;
    let mut watch = Watch::default();
    let mut shown = String::new();
    let end = machine.run(&mut |line| {
        let next = watch.line(line);
        if shown != watch.stage {
            report::say(format_args!("  {name}: {}", watch.stage));
            shown.clone_from(&watch.stage);
        }
        next
    })?;
    if let Some(fault) = &watch.fault {
        bail!("the machine failed: {fault} (log: {})", machine.log.display());
    }
    ensure!(watch.done, "the job did not end: {end:?} (log: {})", machine.log.display());
    if let Some(failed) = watch.results.iter().find(|result| result.verdict == Verdict::Fail) {
        bail!("{} failed: {} (log: {})", failed.name, failed.detail, machine.log.display());
    }
    let values = watch.results.iter().filter(|result| result.verdict == Verdict::Value);
    values.map(|result| Ok((result.name.clone(), watch.value(&result.name).context("a value")?))).collect()
}

/// Prints the table; returns the names of the figures above the limit.
fn print(reference: &Figures, ours: &Figures, limit: Option<f64>) -> Vec<String> {
    println!("\n{:36} {:>16} {:>16} {:>8}", "figure (lower is better)", "Xen 4.20", "free-xen", "ratio");
    let mut worse = Vec::new();
    for (name, &theirs) in reference {
        let Some(&mine) = ours.get(name) else {
            println!("{name:36} {theirs:16.0} {:>16} {:>8}", "-", "-");
            continue;
        };
        let ratio = if theirs == 0.0 { f64::from(u8::from(mine > 0.0)) } else { mine / theirs };
        let note = if ratio > NOISE { "  worse" } else { "" };
        println!("{name:36} {theirs:16.0} {mine:16.0} {ratio:8.3}{note}");
        if limit.is_some_and(|limit| ratio > limit) {
            worse.push(name.clone());
        }
    }
    println!();
    worse
}
