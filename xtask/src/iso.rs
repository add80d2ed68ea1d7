//! `iso`: a CD image with GRUB that boots free-xen and Debian's kernel on a BIOS and on UEFI.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::machine::boot::Boot;
use crate::machine::cd::{self, Firmware};
use crate::{build, image, paths, report};

/// Seconds of GRUB's menu.
const MENU: u32 = 5;

/// Options of `iso`.
#[derive(Args)]
pub struct IsoArgs {
    /// Where to write it [default: target/dist/free-xen.iso]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Jobs of Dom0 (dom0-image/jobs), in order, before it gives a shell
    #[arg(long, value_delimiter = ',', value_name = "JOB")]
    jobs: Vec<String>,
    /// More arguments of the hypervisor
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    xen_args: String,
    /// More arguments of Dom0's kernel
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    dom0_args: String,
}

/// Makes the CD image. Dom0's root file system is not on it: the initrd looks for a disk with the label `dom0`.
pub fn iso(args: &IsoArgs) -> Result<()> {
    report::elapsed();
    let hypervisor = build::hypervisor()?;
    let image = image::image()?;
    let boot = Boot {
        name: "iso".into(),
        hypervisor: Some(hypervisor),
        jobs: args.jobs.clone(),
        xen_args: args.xen_args.clone(),
        dom0_args: args.dom0_args.clone(),
        interactive: true,
        ..Boot::default()
    };
    let machine = boot.machine(&image, paths::target().join("iso.log"))?;
    let file = args.output.clone().unwrap_or_else(|| paths::dist().join("free-xen.iso"));
    report::step("make the CD image", || cd::make(&machine, Firmware::Any, MENU, &file))?;
    report::say(format_args!("  {}; its Dom0 looks for the disk {}", file.display(), image.disk.display()));
    Ok(())
}
