//! Learns from QEMU's monitor protocol why the machine ended: power-off and reset look alike otherwise.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A socket that one QEMU connects to.
pub struct Monitor {
    path: PathBuf,
    thread: JoinHandle<Option<String>>,
}

impl Monitor {
    /// Makes the socket; its path is short, as Unix sockets want it.
    pub fn listen() -> Result<Self> {
        let name = format!("fx-{}-{}.qmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::remove_file(&path).ok();
        let listener =
            UnixListener::bind(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let thread =
            thread::spawn(move || listener.accept().ok().and_then(|(stream, _)| shutdown_reason(stream)));
        Ok(Self { path, thread })
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// After QEMU's end: the reason in its SHUTDOWN event, such as `guest-shutdown` or `guest-reset`.
    pub fn finish(self) -> Option<String> {
        // Wakes the thread up when QEMU never connected.
        UnixStream::connect(&self.path).ok();
        std::fs::remove_file(&self.path).ok();
        self.thread.join().ok().flatten()
    }
}

fn shutdown_reason(mut stream: UnixStream) -> Option<String> {
    // Events are only sent after this command.
    stream.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").ok()?;
    let mut reason = None;
    for line in BufReader::new(stream).lines() {
        let message: serde_json::Value = serde_json::from_str(&line.ok()?).ok()?;
        if message["event"] == "SHUTDOWN" {
            reason = message["data"]["reason"].as_str().map(str::to_owned);
        }
    }
    reason
}
