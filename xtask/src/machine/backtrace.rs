//! Names the functions in the hypervisor's backtraces, with the symbols that `build` keeps.

use std::path::Path;
use std::process::Command;

use crate::proc;

/// Where the hypervisor is linked (`hypervisor/link.ld`): addresses from here on are its own.
const IMAGE: std::ops::Range<u64> = 0xffff_82d0_4000_0000..0xffff_82d0_8000_0000;

/// A line for each address of the last backtrace in a console log; none when there is no backtrace or no symbols.
pub fn explain(log: &Path, symbols: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let addresses = addresses(&text);
    if addresses.is_empty() || !symbols.is_file() {
        return Vec::new();
    }
    let mut command = Command::new("addr2line");
    command.args(["-a", "-f", "-C", "-p", "-i", "-e"]).arg(symbols).args(addresses);
    proc::output(&mut command).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The addresses in the lines after the last `Backtrace:`.
fn addresses(log: &str) -> Vec<String> {
    let Some((_, after)) = log.rsplit_once("Backtrace:") else { return Vec::new() };
    let words = after.lines().take(40).flat_map(str::split_whitespace);
    let address = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    words.filter_map(address).filter(|a| IMAGE.contains(a)).map(|a| format!("{a:#x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn only_the_last_backtrace_counts() {
        let log = "Backtrace:\n 0xffff82d040200001\nx\nCrash\nBacktrace:\n 1.0 0xffff82d040200010\n 0x12 0xffff82d040200020";
        assert_eq!(addresses(log), ["0xffff82d040200010", "0xffff82d040200020"]);
    }
}
