//! Where things are: the repository, cargo's target folder, the cache of downloaded and built images.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Cargo's target folder (`CARGO_TARGET_DIR`, else `target`).
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => std::env::current_dir().unwrap_or_else(|_| root()).join(dir),
        None => root().join("target"),
    }
}

/// What `build` produces: the bootable hypervisor, its symbols, the test guests.
pub fn dist() -> PathBuf {
    target().join("dist")
}

/// Logs of the machine tests.
pub fn test_logs() -> PathBuf {
    target().join("test-logs")
}

/// Images and everything else that is expensive to make (`FREE_XEN_CACHE`, else `build`); git ignores it.
pub fn cache() -> PathBuf {
    match std::env::var_os("FREE_XEN_CACHE") {
        Some(dir) => std::env::current_dir().unwrap_or_else(|_| root()).join(dir),
        None => root().join("build"),
    }
}

/// Sources of what goes into the images.
pub fn image_sources() -> PathBuf {
    root().join("dom0-image")
}
