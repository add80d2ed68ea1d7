//! `cargo xtask`: builds, runs, tests, checks and measures free-xen. `cargo xtask help` lists the commands.

mod bench;
mod build;
mod check;
mod deb;
mod fuzz;
mod image;
mod iso;
mod machine;
mod paths;
mod proc;
mod report;
mod run;
mod setup;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run, test and measure free-xen")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the hypervisor and the test guests into target/dist
    Build,
    /// Build the Debian Dom0 image, its kernel and the initrds (cached)
    Image,
    /// Make a Debian package with the hypervisor and its entries in GRUB's menu
    Deb,
    /// Make a CD image with GRUB that boots the hypervisor with Debian as Dom0, on a BIOS and on UEFI
    Iso(iso::IsoArgs),
    /// Boot the hypervisor with Debian as Dom0 in QEMU and start a PV guest in it
    Run(run::RunArgs),
    /// Run the host tests, the checks and the machine tests
    Test(test::TestArgs),
    /// Check formatting, lints, the import table, where unsafe stands, sizes of files
    Check,
    /// Let guests do what they like on the whole core, in this process, for a while
    Fuzz(fuzz::FuzzArgs),
    /// Compare with Debian's Xen: the same job on both, counted in instructions
    Bench(bench::BenchArgs),
}

fn main() {
    if let Err(error) = dispatch(Cli::parse().command) {
        eprintln!("xtask: {error:#}");
        std::process::exit(1);
    }
}

fn dispatch(task: Task) -> Result<()> {
    match task {
        Task::Build => build::build(),
        Task::Image => image::image().map(|_| ()),
        Task::Deb => deb::deb(),
        Task::Iso(args) => iso::iso(&args),
        Task::Run(args) => run::run(&args),
        Task::Test(args) => test::test(&args),
        Task::Check => check::check(),
        Task::Fuzz(args) => fuzz::fuzz(&args),
        Task::Bench(args) => bench::bench(&args),
    }
}
