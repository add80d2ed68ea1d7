//! The machine's console: read in a thread, logged, cleaned of terminal codes, handed on by line.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

/// Starts reading the emulator's output. The log begins with `head`; each of its lines has the host's time in front.
/// When `echo` is set, all bytes go to our own output at once, as a terminal needs it.
pub fn read(emulator: &mut Child, log: &Path, head: &str, echo: bool) -> Result<Receiver<String>> {
    let output = emulator.stdout.take().context("the emulator's output is not a pipe")?;
    let mut log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    writeln!(log, "{head}")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // A log or a terminal that cannot be written ends the reading; the run then ends as "no output".
        pump(output, &mut log, echo, &sender).ok();
    });
    Ok(receiver)
}

fn pump(mut from: impl Read, log: &mut File, echo: bool, to: &Sender<String>) -> std::io::Result<()> {
    let start = Instant::now();
    let mut pending = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = from.read(&mut chunk)?;
        let bytes = &chunk[..length];
        if echo {
            std::io::stdout().write_all(bytes)?;
            std::io::stdout().flush()?;
        }
        for &byte in bytes {
            if byte != b'\n' {
                pending.push(byte);
                continue;
            }
            let line = clean(&pending);
            pending.clear();
            writeln!(log, "{:9.3} {line}", start.elapsed().as_secs_f64())?;
            // The observer may have given up; the log goes on.
            to.send(line).ok();
        }
        if length == 0 {
            let line = clean(&pending);
            if !line.is_empty() {
                writeln!(log, "{:9.3} {line}", start.elapsed().as_secs_f64())?;
                to.send(line).ok();
            }
            return Ok(());
        }
    }
}

/// A line without carriage returns and terminal codes (ESC [ … letter, ESC letter).
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut line = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| c.is_ascii_alphabetic());
                }
            }
            '\r' | '\0' => (),
            _ => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn terminal_codes_go() {
        assert_eq!(clean(b"\x1b[2J\x1b[1;32m(XEN)\x1b[0m hello\r"), "(XEN) hello");
        assert_eq!(clean(b"\x1bcRESULT"), "RESULT");
    }
}
