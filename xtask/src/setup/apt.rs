//! apt with a private list of sources below the cache: the machine's own mirror, with the suites that its own
//! configuration may lack (trixie, and backports on Debian 12 for QEMU), which are pinned low. `/etc/apt` stays as
//! it is; its proxies and other settings apply.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sources::{self, Source};
use super::{KEYRING, os_release};
use crate::{paths, proc, report};

/// The suite of Dom0 and of the public headers: Debian 13 has Xen 4.20.
const SUITE: &str = "trixie";

/// Installs packages; on Debian 12 QEMU comes from backports.
pub fn install(names: &[&str]) -> Result<()> {
    let codename = os_release("VERSION_CODENAME")?;
    let options = options(&codename)?;
    refresh(&options)?;
    let mut command = proc::as_root("env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(&options);
    if codename == "bookworm" && names.iter().any(|n| n.starts_with("qemu-")) {
        command.args(["-t", "bookworm-backports"]);
    }
    command.args(["install", "--yes", "--no-install-recommends"]).args(names);
    proc::run_logged("apt-install", &mut command)
}

/// Downloads a package of trixie and unpacks it into `folder`, without installing it.
pub fn unpack(package: &str, folder: &Path) -> Result<()> {
    let options = options(&os_release("VERSION_CODENAME")?)?;
    refresh(&options)?;
    let download = paths::cache().join("apt/download");
    fs::create_dir_all(&download)?;
    let mut command = Command::new("apt-get");
    command.current_dir(&download).args(&options).args(["download", &format!("{package}/{SUITE}")]);
    proc::run_logged("apt-download", &mut command)?;
    let deb = fs::read_dir(&download)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("{package}_")))
        })
        .with_context(|| format!("apt-get did not download {package}"))?;
    fs::create_dir_all(folder)?;
    proc::run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(folder))
}

/// The mirror to give debootstrap: the machine's own, or none for debootstrap's default.
pub fn debootstrap_mirror() -> Option<String> {
    own_mirror(&os_release("VERSION_CODENAME").ok()?)
}

/// The proxy of apt's configuration, as the environment that debootstrap's downloader reads.
pub fn debootstrap_environment() -> Vec<(&'static str, String)> {
    let config = |key: &str| {
        let text = proc::output(Command::new("apt-config").args(["shell", "V", key])).unwrap_or_default();
        text.trim().strip_prefix("V='").and_then(|v| v.strip_suffix('\'')).map(str::to_owned)
    };
    [("http_proxy", "Acquire::http::Proxy"), ("https_proxy", "Acquire::https::Proxy")]
        .into_iter()
        .filter_map(|(name, key)| Some((name, config(key).filter(|v| v != "DIRECT")?)))
        .collect()
}

/// Gets the lists of the private sources, unless they are younger than a day.
fn refresh(options: &[String]) -> Result<()> {
    let stamp = paths::cache().join("apt/refreshed");
    let age = fs::metadata(&stamp).and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
    if age.is_some_and(|age| age.as_secs() < 24 * 3600) {
        return Ok(());
    }
    report::say("  apt-get update with the private sources of the cache (/etc/apt stays as it is)");
    proc::run_logged("apt-update", proc::as_root("apt-get").args(options).arg("update"))?;
    fs::write(stamp, "")?;
    Ok(())
}

/// Writes the private configuration and returns the options that make apt use it.
fn options(codename: &str) -> Result<Vec<String>> {
    let folder = paths::cache().join("apt");
    let (list, pins) = (folder.join("sources.list"), folder.join("preferences"));
    for sub in ["lists/partial", "archives/partial", "none"] {
        fs::create_dir_all(folder.join(sub))?;
    }
    fs::write(&list, private_sources(codename)?)?;
    let pin = |suite: &str| format!("Package: *\nPin: release n={suite}\nPin-Priority: 50\n\n");
    let foreign: Vec<&str> = [SUITE, "bookworm-backports"].into_iter().filter(|s| *s != codename).collect();
    fs::write(&pins, foreign.iter().map(|s| pin(s)).collect::<String>())?;
    let option = |key: &str, path: PathBuf| [String::from("-o"), format!("{key}={}", path.display())];
    Ok([
        option("Dir::Etc::SourceList", list),
        option("Dir::Etc::SourceParts", folder.join("none")),
        option("Dir::Etc::Preferences", pins),
        option("Dir::Etc::PreferencesParts", folder.join("none")),
        option("Dir::State::Lists", folder.join("lists")),
        option("Dir::Cache::Archives", folder.join("archives")),
        option("APT::Sandbox::User", "root".into()),
        option("Acquire::Languages", "none".into()),
        option("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false".into()),
    ]
    .concat())
}

/// The private list: the release's own suites (so that dependencies resolve) and the ones we add.
fn private_sources(codename: &str) -> Result<String> {
    let mirror = match own_mirror(codename) {
        Some(mirror) => mirror,
        None => default_mirror()?,
    };
    let mut suites = vec![codename.to_owned(), format!("{codename}-updates")];
    match codename {
        "bookworm" => suites.extend([String::from("bookworm-backports"), SUITE.into()]),
        SUITE => (),
        other => bail!("the set-up knows Debian 12 and 13, not {other:?}; install the packages by hand"),
    }
    let line = |uri: &str, suite: &str| format!("deb [signed-by={KEYRING}] {uri} {suite} main\n");
    let mut text: String = suites.iter().map(|suite| line(&mirror, suite)).collect();
    let security = format!("{codename}-security");
    if let Some(source) = own_sources().into_iter().find(|s| s.suites.contains(&security)) {
        text.push_str(&line(&source.uri, &security));
    }
    Ok(text)
}

/// The archive that the machine takes its release from.
fn own_mirror(codename: &str) -> Option<String> {
    let usable = |source: &Source| ["http://", "https://", "file:"].iter().any(|p| source.uri.starts_with(p));
    let matches = |source: &Source| source.suites.iter().any(|s| s == codename) && usable(source);
    own_sources().into_iter().find(matches).map(|source| source.uri)
}

/// All sources of the machine's apt configuration.
fn own_sources() -> Vec<Source> {
    let mut found = sources::one_line(&fs::read_to_string("/etc/apt/sources.list").unwrap_or_default());
    for entry in fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten() {
        let path = entry.path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|e| e.to_str()) {
            Some("list") => found.extend(sources::one_line(&text)),
            Some("sources") => found.extend(sources::deb822(&text)),
            _ => (),
        }
    }
    found
}

/// The mirror that debootstrap itself falls back to.
fn default_mirror() -> Result<String> {
    let script = fs::read_to_string("/usr/sbin/debootstrap").unwrap_or_default();
    let value = script.lines().find_map(|line| line.trim().strip_prefix("DEF_MIRROR="));
    let value = value.map(|v| v.trim_matches('"').to_owned());
    value.context("no Debian archive in apt's configuration and no debootstrap to name one")
}
