//! stub
use anyhow::Result;
#[derive(clap::Args)]
pub struct TestArgs {}
pub fn test(_: &TestArgs) -> Result<()> { Ok(()) }
