//! The emulated machine: QEMU with TCG (or Bochs), its console, how it ended.

pub mod backtrace;
mod bochs;
pub mod boot;
pub mod cd;
mod console;
pub mod guest;
pub mod job;
mod loader;
mod qmp;
pub mod script;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;

pub use loader::Loader;

use crate::paths;

/// The processor: EPYC with SVM. TCG faults in MWAIT (hence `-monitor`), reports RDTSCP intercepts under RDTSC's
/// exit code (`-rdtscp`), and `+invtsc` makes guests take the TSC as it is.
const CPU: &str = "EPYC,+svm,-monitor,-rdtscp,+invtsc";

/// Arguments of every hypervisor run. Dom0 gets a quarter of the default memory; all messages go to the console.
pub const XEN_ARGS: &str = "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all";
/// Debian's Xen switches the FPU lazily by default, which goes wrong under TCG.
pub const REFERENCE_ARGS: &str = "spec-ctrl=eager-fpu";

/// How long a machine may go on after it said that it powers off or reboots.
const END_GRACE: Duration = Duration::from_secs(60);

/// The root disk's controller.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// virtio-blk on PCI
    Virtio,
    /// SATA behind an AHCI controller
    Ahci,
}

/// The network card; all are connected to QEMU's own gateway, 10.0.2.2, and to nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nic {
    /// none
    None,
    /// virtio-net on PCI
    Virtio,
    /// Intel 82540EM
    E1000,
}

/// What emulates the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Emulator {
    /// QEMU: AMD's virtualisation
    #[default]
    Qemu,
    /// Bochs: Intel's; from a CD by GRUB, with an IDE disk, without network card and terminal
    Bochs,
}

impl Emulator {
    /// The loader in it where `asked` was asked for.
    pub fn loader(self, asked: Loader) -> Loader {
        if self == Self::Bochs { Loader::Grub } else { asked }
    }

    /// How long Debian in it may say nothing.
    pub fn patience(self) -> Duration {
        Duration::from_secs(if self == Self::Bochs { 900 } else { 180 })
    }
}

/// A machine to start.
pub struct Machine {
    /// What emulates it.
    pub emulator: Emulator,
    /// How the hypervisor is loaded.
    pub loader: Loader,
    /// The hypervisor's file and its command line.
    pub hypervisor: (PathBuf, String),
    /// The modules: a file and its command line.
    pub modules: Vec<(PathBuf, String)>,
    /// Dom0's disk, opened as a snapshot.
    pub disk: Option<(Disk, PathBuf)>,
    /// The disk that guests of Dom0 start from, a virtio disk with the serial number `guests`; opened as a snapshot, too.
    pub guest_disk: Option<PathBuf>,
    /// Network card.
    pub nic: Nic,
    /// Number of processors.
    pub smp: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Virtual time counts instructions (one processor only): repeatable, and sleeping costs no host time.
    pub icount: bool,
    /// The user's terminal is the console.
    pub interactive: bool,
    /// More arguments of QEMU.
    pub qemu_args: Vec<String>,
    /// Limits of the host's time: for the whole run, and without any output.
    pub limits: Limits,
    /// Where the console's output goes, besides the observer.
    pub log: PathBuf,
}

/// Limits of a run, in the host's time.
#[derive(Clone, Copy)]
pub struct Limits {
    /// For the whole run.
    pub total: Duration,
    /// Without a line of output.
    pub silence: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The machine powered itself off.
    PowerOff,
    /// The machine reset itself (QEMU ends then).
    Reset,
    /// It was stopped: the reason.
    Stopped(String),
}

/// What an observer of the console wants next.
#[derive(PartialEq, Eq)]
pub enum Next {
    /// Go on.
    Run,
    /// Go on, with this typed on the console.
    Type(String),
    /// The machine is about to end by itself: give it a little time, then stop it.
    Ending,
    /// Stop it now: the reason.
    Stop(String),
}

impl Machine {
    /// Runs the machine until it ends; `observe` sees every line of the console, and now and then an empty wait.
    pub fn run(&self, observe: &mut dyn FnMut(Option<&str>) -> Next) -> Result<End> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder)?;
        }
        if self.emulator == Emulator::Bochs {
            let (stopped, _) = self.follow(&mut bochs::command(self)?, observe)?;
            return stopped.map_or_else(|| bochs::end(self), |why| Ok(End::Stopped(why)));
        }
        let qmp = qmp::Monitor::listen()?;
        let complaints = self.log.with_extension("qemu");
        let mut command = self.command(qmp.path())?;
        command.stderr(File::create(&complaints)?);
        let (stopped, status) = self.follow(&mut command, observe)?;
        let reason = qmp.finish();
        Ok(match (stopped, reason.as_deref()) {
            (Some(why), _) => End::Stopped(why),
            (None, Some("guest-shutdown")) => End::PowerOff,
            (None, Some("guest-reset")) => End::Reset,
            (None, other) => {
                let why = other.map_or_else(|| last_complaint(&complaints), str::to_owned);
                End::Stopped(format!("QEMU ended with {status}: {why}"))
            }
        })
    }

    /// Starts the emulator and follows the console to its end; why it was stopped, if it was, and its exit status.
    fn follow(
        &self,
        command: &mut Command,
        observe: &mut dyn FnMut(Option<&str>) -> Next,
    ) -> Result<(Option<String>, ExitStatus)> {
        let mut emulator = command.stdout(Stdio::piped()).spawn().context("cannot start the emulator")?;
        let lines = console::read(&mut emulator, &self.log, &show(command), self.interactive)?;
        let stopped = self.watch(&lines, emulator.stdin.take(), observe);
        if stopped.is_some() {
            emulator.kill().ok();
        }
        let status = emulator.wait()?;
        if self.interactive {
            // QEMU cannot restore the terminal when it is killed.
            Command::new("stty").arg("sane").status().ok();
        }
        Ok((stopped, status))
    }

    /// Follows the console until the emulator closes it (none) or the run must be stopped (why).
    fn watch(
        &self,
        lines: &Receiver<String>,
        mut keyboard: Option<ChildStdin>,
        observe: &mut dyn FnMut(Option<&str>) -> Next,
    ) -> Option<String> {
        let start = Instant::now();
        let (mut last, mut ending) = (start, None::<Instant>);
        loop {
            let next = match lines.recv_timeout(Duration::from_millis(500)) {
                Ok(line) => {
                    last = Instant::now();
                    observe(Some(&line))
                }
                Err(RecvTimeoutError::Timeout) => observe(None),
                Err(RecvTimeoutError::Disconnected) => return None,
            };
            match next {
                Next::Run => (),
                Next::Type(text) => {
                    if let Some(keyboard) = &mut keyboard
                        && let Err(error) = keyboard.write_all(text.as_bytes())
                    {
                        return Some(format!("nothing can be typed: {error}"));
                    }
                }
                Next::Ending => ending = ending.or_else(|| Some(Instant::now())),
                Next::Stop(why) => return Some(why),
            }
            if ending.is_some_and(|since| since.elapsed() > END_GRACE) {
                return Some("it did not power off".into());
            }
            if self.interactive {
                continue;
            }
            if start.elapsed() > self.limits.total {
                return Some(format!("not done after {} s", self.limits.total.as_secs()));
            }
            if last.elapsed() > self.limits.silence {
                return Some(format!("no output for {} s", self.limits.silence.as_secs()));
            }
        }
    }

    fn command(&self, qmp: &Path) -> Result<Command> {
        // setpriv: QEMU dies when we do.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]).args(self.time()).args(["-cpu", CPU]);
        command.args(["-smp", &self.smp.to_string(), "-m", &format!("{}M", self.memory)]);
        command.args(["-display", "none", "-no-reboot", "-serial"]);
        command.args(if self.interactive {
            ["mon:stdio", "-monitor", "none"]
        } else {
            ["stdio", "-monitor", "none"]
        });
        command.arg("-qmp").arg(joined(["unix:".as_ref(), qmp.as_os_str()]));
        command.args(loader::arguments(self)?).args(self.devices()).args(&self.qemu_args);
        if !self.interactive {
            command.stdin(Stdio::piped());
        }
        Ok(command)
    }

    fn time(&self) -> Vec<String> {
        let args: &[&str] = if self.icount && self.smp == 1 {
            &["-accel", "tcg", "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
        } else if self.smp == 1 {
            &["-accel", "tcg"]
        } else {
            &["-accel", "tcg,thread=multi"]
        };
        args.iter().map(|&arg| arg.to_owned()).collect()
    }

    fn devices(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        if let Some((kind, file)) = &self.disk {
            let device = match kind {
                Disk::Virtio => ["-device", "virtio-blk-pci,drive=root"],
                Disk::Ahci => ["-device", "ich9-ahci,id=sata"],
            };
            args.extend(drive("root", file));
            args.extend(device.map(OsString::from));
            if *kind == Disk::Ahci {
                args.extend(["-device", "ide-hd,drive=root,bus=sata.0"].map(OsString::from));
            }
        }
        if let Some(file) = &self.guest_disk {
            args.extend(drive("guests", file));
            args.extend(["-device", "virtio-blk-pci,drive=guests,serial=guests"].map(OsString::from));
        }
        let card = match self.nic {
            Nic::None => None,
            Nic::Virtio => Some("virtio-net-pci,netdev=net"),
            Nic::E1000 => Some("e1000,netdev=net"),
        };
        match card {
            None => args.extend(["-nic", "none"].map(OsString::from)),
            Some(card) => {
                args.extend(["-netdev", "user,id=net,restrict=on", "-device", card].map(OsString::from));
            }
        }
        args
    }
}

/// A drive named `id` of a raw file, whose contents stay as they are.
fn drive(id: &str, file: &Path) -> [OsString; 2] {
    let options = format!("format=raw,id={id},if=none,snapshot=on,cache=unsafe,file=");
    ["-drive".into(), joined([options.as_ref(), file.as_os_str()])]
}

fn joined<const N: usize>(parts: [&std::ffi::OsStr; N]) -> OsString {
    parts.into_iter().collect()
}

/// What QEMU itself said last, apart from its remarks about features that TCG lacks.
fn last_complaint(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().rfind(|line| !line.contains("TCG doesn't support"));
    line.unwrap_or("it said nothing").to_owned()
}

/// The command line, for the log.
fn show(command: &Command) -> String {
    let quote = |arg: &std::ffi::OsStr| {
        let text = arg.to_string_lossy().into_owned();
        if text.contains(' ') { format!("'{text}'") } else { text }
    };
    std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect::<Vec<_>>().join(" ")
}

/// A scratch file of a run, in the target folder.
pub fn scratch(name: &str) -> Result<PathBuf> {
    let folder = paths::target().join("machine");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}
