//! Checks that a size fits into the available memory, before the work begins.

use std::fs;

use anyhow::{Result, ensure};

/// The available memory that is assumed where the system does not report it.
const UNKNOWN: f64 = (1_u64 << 40) as f64;

/// Checks that about `bytes` bytes of memory are available for `what`. `advice` tells the user which sizes to
/// change.
///
/// # Errors
///
/// Returns an error with both numbers if they are not.
pub fn check(bytes: f64, what: &str, advice: &str) -> Result<()> {
    compare(bytes, available(), what, advice)
}

/// Checks that `ulimit -v`, if it is set, leaves about `bytes` bytes of addresses for `what`: a program that gets no
/// memory in the middle of its work is aborted. Addresses are reserved in large steps, so `bytes` is more than the
/// memory that is used, and the machine's memory is not compared.
///
/// # Errors
///
/// Returns an error with both numbers if it leaves less.
pub fn check_limit(bytes: f64, what: &str) -> Result<()> {
    let available = address_space().unwrap_or(UNKNOWN);
    compare(bytes, available, what, "raise the limit of `ulimit -v`")
}

fn compare(bytes: f64, available: f64, what: &str, advice: &str) -> Result<()> {
    ensure!(
        bytes <= available,
        "{what} needs about {} of memory, but {} is available: {advice}",
        size(bytes),
        size(available)
    );
    Ok(())
}

/// Returns the bytes that this process may still take: the machine's available memory, or what the limit of a container
/// or of `ulimit -v` leaves if that is less.
fn available() -> f64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<f64>()
            .ok()
            .map(|kilobytes| kilobytes * 1024.0)
    });
    let number = |name: &str| {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?;
        text.trim().parse::<f64>().ok()
    };
    let container = number("max").map(|most| (most - number("current").unwrap_or(0.0)).max(0.0));
    [machine, container, address_space()].into_iter().flatten().fold(UNKNOWN, f64::min)
}

/// Returns the bytes that `ulimit -v` leaves. `None` without a limit.
fn address_space() -> Option<f64> {
    let read = |path: &str, key: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let most = read("/proc/self/limits", "Max address space")?;
    let taken = read("/proc/self/status", "VmSize:").unwrap_or(0.0) * 1024.0;
    Some((most - taken).max(0.0))
}

/// Returns a number of bytes as text with a unit.
fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes if bytes < 1e13 => format!("{:.1} GB", bytes / 1e9),
        _ => format!("{:.0} TB", bytes / 1e12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused_with_both_numbers() {
        let error = check(3e17, "a batch", "choose less").unwrap_err().to_string();
        assert!(error.starts_with("a batch needs about 300000 TB of memory, but "), "{error}");
        assert!(error.ends_with("is available: choose less"), "{error}");
        check(1e6, "a batch", "").unwrap();
    }
}
