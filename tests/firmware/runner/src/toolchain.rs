//! The toolchain that builds for a target: rustup's standard library for it, or Debian's sources of `core`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::target::{Machine, Target};

/// Debian's compiler, its sources, a linker, and the emulators.
const PACKAGES: [&str; 7] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "lld",
    "qemu-system-arm",
    "qemu-system-misc",
    "qemu-user",
];

/// `cargo COMMAND` with a toolchain that can build for the target. The caller adds what to build.
pub(crate) fn cargo(command: &str, target: &Target) -> Result<Command> {
    if has_rustup_target(target)? {
        let mut cargo = Command::new("cargo");
        cargo.arg(command);
        return Ok(cargo);
    }
    ensure!(
        has_debian(),
        "{0} needs `rustup target add {0}`, or the Debian packages {1}: `tests/firmware/run \
         --install {0}`",
        target.triple,
        PACKAGES.join(" ")
    );
    // By their paths: rustup's programs come first in PATH.
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    cargo.args([command, "-Zbuild-std=core"]);
    Ok(cargo)
}

/// The version of the compiler that builds for the target: `1.95.0`.
pub(crate) fn version(target: &Target) -> Result<String> {
    let rustc = if has_rustup_target(target)? { "rustc" } else { "/usr/bin/rustc" };
    let output = Command::new(rustc).arg("--version").output().context("cannot run rustc")?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(version.split_whitespace().nth(1).unwrap_or("unknown").to_string())
}

/// Flags for the compiler beyond the target's features.
pub(crate) fn link_flags(target: &Target) -> Result<&'static str> {
    Ok(match target.machine {
        _ if has_rustup_target(target)? => "",
        Machine::Node => "-C linker=wasm-ld",
        _ => "-C linker=ld.lld -C linker-flavor=ld.lld",
    })
}

/// Installs what is missing to build for the target and to run it.
pub(crate) fn install(target: &Target) -> Result<()> {
    if !has_rustup_target(target)? {
        let rustup = Command::new("rustup").args(["target", "add", target.triple]).status();
        if !rustup.is_ok_and(|status| status.success()) && !has_debian() {
            install_packages(&PACKAGES)?;
        }
    }
    match target.machine {
        Machine::X87 if !links_32_bits() => install_packages(&["gcc-multilib"]),
        Machine::Qemu(program, ..) if !is_there(program) => {
            install_packages(&["qemu-system-arm", "qemu-system-misc"])
        }
        Machine::Node if !is_there("node") => install_packages(&["nodejs"]),
        _ => Ok(()),
    }
}

fn install_packages(packages: &[&str]) -> Result<()> {
    // In a container the user is root and there may be no sudo.
    let administrator = is_there("sudo") && Path::new("/root/.").read_dir().is_err();
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if administrator { "sudo" } else { "apt-get" });
        if administrator {
            command.arg("apt-get");
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status()
    };
    apt(&["update", "-q"]).context("cannot run apt-get")?;
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    let status = apt(&[&install[..], packages].concat()).context("cannot run apt-get")?;
    if !status.success() {
        bail!("apt-get could not install {}", packages.join(" "));
    }
    Ok(())
}

fn has_rustup_target(target: &Target) -> Result<bool> {
    if matches!(target.machine, Machine::Host) {
        return Ok(true);
    }
    let arguments = ["--print", "target-libdir", "--target", target.triple];
    let output = Command::new("rustc").args(arguments).output().context("cannot run rustc")?;
    Ok(output.status.success()
        && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Whether the C compiler links programs of 32 bits.
fn links_32_bits() -> bool {
    let arguments = ["-m32", "-print-file-name=crt1.o"];
    let output = Command::new("cc").args(arguments).output();
    output.is_ok_and(|output| output.stdout.contains(&b'/'))
}

/// Whether this machine can build for the target. Debian's sources of `core` are not enough for a target with an operating
/// system.
pub(crate) fn can_build(target: &Target) -> Result<bool> {
    Ok(!matches!(target.machine, Machine::X87)
        || cfg!(target_arch = "x86_64") && has_rustup_target(target)? && links_32_bits())
}

fn has_debian() -> bool {
    let sources = std::fs::read_dir("/usr/src").into_iter().flatten().flatten();
    let mut sources = sources.filter(|entry| entry.path().join("library/core").is_dir());
    sources.next().is_some() && is_there("/usr/bin/cargo") && is_there("ld.lld")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
