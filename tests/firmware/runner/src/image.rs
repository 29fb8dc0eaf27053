//! Building and running the images of one target.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::Row;
use crate::cost::{self, Cost};
use crate::target::{Machine, Target};
use crate::toolchain;

/// What a program found.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) model: String,
    pub(crate) digest: u64,
}

/// A model in the image `digest` that is read at run time.
const SLOT: &str = "4SLOT";

/// Builds and runs a target's images.
pub(crate) fn row(
    root: &Path,
    target: &'static Target,
    level: &'static str,
    features: &'static str,
) -> Result<Row> {
    let counter = if let Machine::Qemu(_, _, _, tick) = target.machine { tick } else { "" };
    let directory = root.join("target/firmware").join(format!("{level}{features}"));
    let build = |image| {
        let directory = directory.clone();
        Build { target, level, features, counter, image, directory, memory: None }.run(root)
    };
    let digest = build("digest")?;
    if let Machine::Qemu(..) = target.machine {
        cost::check_takes_no_flash(&digest, SLOT)?;
    }
    let outcomes = if runs_here(features) || !matches!(target.machine, Machine::Host) {
        let (said, went_well) = run(target, &digest, false)?;
        Some((outcomes(&said)?, went_well))
    } else {
        None
    };
    let cost = match target.machine {
        Machine::Qemu(..) => {
            // Links only if no entry point can panic.
            build("no_panic")?;
            let sample = build("sample")?;
            let (said, _) = run(target, &sample, true)?;
            let costs = build("costs")?;
            let (said_of_costs, _) = run(target, &costs, true)?;
            Some(Cost::measured((&sample, &said), (&costs, &said_of_costs))?)
        }
        Machine::Node | Machine::Host => None,
    };
    let rustc = toolchain::version(target)?;
    Ok(Row { target, level, features, outcomes, cost, rustc })
}

/// An image to build.
pub(crate) struct Build<'a> {
    pub(crate) target: &'a Target,
    /// An optimisation level, or two: `s+3` is s for all, and 3 for the package flowlet.
    pub(crate) level: &'a str,
    /// Of the CPU, beyond the target's own.
    pub(crate) features: &'a str,
    /// The image's own, for what it counts with; empty if none.
    pub(crate) counter: &'a str,
    pub(crate) image: &'a str,
    /// Where the program is put.
    pub(crate) directory: PathBuf,
    /// The linker's memory file, where it is not the emulated machine's.
    pub(crate) memory: Option<PathBuf>,
}

impl Build<'_> {
    /// Builds, and gives the program's path.
    pub(crate) fn run(&self, root: &Path) -> Result<PathBuf> {
        let Self { target, level, features, counter, image, directory, memory } = self;
        let mut flags = toolchain::link_flags(target)?.to_string();
        if !features.is_empty() {
            flags += &format!(" -C target-feature={features}");
        }
        let mut cargo = toolchain::cargo_build(target)?;
        cargo
            .args(["--quiet", "--release", "--package", "image", "--bin", image])
            .args(["--target", target.triple])
            .arg("--manifest-path")
            .arg(root.join("tests/firmware/Cargo.toml"))
            .arg("--target-dir")
            .arg(directory)
            .env("RUSTFLAGS", flags.trim());
        let (level, of_flowlet) = level
            .split_once('+')
            .map_or((*level, None), |(all, of_flowlet)| (all, Some(of_flowlet)));
        cargo.args(["--config", &format!("profile.release.opt-level={}", quoted(level))]);
        if let Some(level) = of_flowlet {
            let key = "profile.release.package.flowlet.opt-level";
            cargo.args(["--config", &format!("{key}={}", quoted(level))]);
        }
        if !counter.is_empty() {
            cargo.args(["--features", counter]);
        }
        if let Some(memory) = memory {
            cargo.env("FLOWLET_MEMORY", memory);
        }
        let status = cargo.status().context("cannot run cargo")?;
        ensure!(status.success(), "{} does not build for {}", image, target.triple);
        let extension = if matches!(target.machine, Machine::Node) { ".wasm" } else { "" };
        Ok(directory.join(target.triple).join("release").join(format!("{image}{extension}")))
    }
}

/// A level as cargo wants it: a number, or a string.
fn quoted(level: &str) -> String {
    if level.parse::<u8>().is_ok() { level.to_string() } else { format!("{level:?}") }
}

/// Whether this CPU has the features.
fn runs_here(features: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match features {
        "+avx2,+fma" => {
            std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
        }
        "+avx512f" => std::arch::is_x86_feature_detected!("avx512f"),
        _ => true,
    };
    #[cfg(not(target_arch = "x86_64"))]
    features.is_empty()
}

/// Runs an image to its end and gives what it said, and whether it ended well. `counted`: each
/// instruction takes a nanosecond of the machine's time, so that its timer counts them.
fn run(target: &Target, image: &Path, counted: bool) -> Result<(String, bool)> {
    let mut command = match &target.machine {
        Machine::Host => Command::new(image),
        Machine::Node => {
            let mut node = Command::new("node");
            node.args(["--input-type=module", "-e", NODE]).arg(image);
            node
        }
        Machine::Qemu(program, machine, arguments, _) => {
            let mut qemu = Command::new(program);
            qemu.args(["-machine", machine, "-nographic", "-monitor", "none", "-serial", "none"])
                .args(["-nic", "none", "-semihosting-config", "enable=on,target=native"])
                .args(*arguments)
                .arg("-kernel")
                .arg(image);
            if counted {
                qemu.args(["-icount", "shift=0"]);
            }
            qemu
        }
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { stdout, stderr, status } = command.output().with_context(|| {
        format!("cannot run {program}: `tests/firmware/run --install` may help")
    })?;
    // QEMU's semihosting speaks on standard error.
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Ok((said, status.success()))
}

const NODE: &str = "
    import { readFileSync } from 'node:fs';
    const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[1]));
    ['mixture', 'moons', '8gaussians'].forEach((name, model) => {
        const digest = BigInt.asUintN(64, instance.exports.digest(model));
        console.log('digest', name, digest.toString(16).padStart(16, '0'));
        if (!instance.exports.methods_agree(model)) process.exitCode = 1;
    });";

/// The lines `digest MODEL HEXADECIMAL`.
fn outcomes(said: &str) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for line in said.lines() {
        if let ["digest", model, digest] = line.split_whitespace().collect::<Vec<_>>()[..] {
            let digest = u64::from_str_radix(digest, 16).with_context(|| line.to_string())?;
            outcomes.push(Outcome { model: model.to_string(), digest });
        }
    }
    if outcomes.is_empty() {
        bail!("the image reported no digest, but:\n{said}");
    }
    Ok(outcomes)
}
