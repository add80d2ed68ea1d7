//! stub
use anyhow::Result;
#[derive(clap::Args)]
pub struct BenchArgs {}
pub fn bench(_: &BenchArgs) -> Result<()> {
    Ok(())
}
