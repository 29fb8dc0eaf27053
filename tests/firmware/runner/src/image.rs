//! Builds and runs the images of one target.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::Row;
use crate::cost::{self, Cost};
use crate::golden::MODELS;
use crate::integer::{self, Integer};
use crate::target::{Machine, Target};
use crate::toolchain;

/// A model's digest, as an image printed it.
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
    let feature = match target.machine {
        Machine::Qemu(_, _, _, tick) => tick,
        Machine::X87 => "whole-numbers",
        Machine::Node | Machine::Host => "",
    };
    let directory = root.join("target/firmware").join(format!("{level}{features}"));
    let build = |image| {
        let directory = directory.clone();
        Build { target, level, features, feature, image, directory, memory: None }.run(root)
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
            let integer = build("sample_integer")?;
            integer::check_has_no_float(&integer)?;
            let (said_of_integer, went_well) = run(target, &integer, true)?;
            ensure!(
                went_well,
                "`sample_integer` failed, perhaps at a float instruction:\n{said_of_integer}"
            );
            let costs = build("costs")?;
            let (said_of_costs, _) = run(target, &costs, true)?;
            let assembly = match target.assembly {
                Some(features) => Some(with_assembly(root, target, level, (features, feature))?),
                None => None,
            };
            let integer = Integer::measured(&integer, &said_of_integer, assembly)?;
            Some((Cost::measured((&sample, &said), (&costs, &said_of_costs))?, integer))
        }
        Machine::Node | Machine::Host | Machine::X87 => None,
    };
    let (cost, integer) = cost.unzip();
    let rustc = toolchain::version(target)?;
    Ok(Row { target, level, features, outcomes, cost, integer, rustc })
}

/// Builds and runs `digest` and `sample_integer` with the runtime's feature `assembly`. Returns the instructions of one
/// evaluation.
fn with_assembly(
    root: &Path,
    target: &'static Target,
    level: &'static str,
    (features, feature): (&'static str, &'static str),
) -> Result<u64> {
    // Without the float models, beside which there is no room in a Cortex-M0's flash.
    let feature = &["assembly", "whole-numbers", feature].join(" ");
    let directory = root.join("target/firmware").join(format!("{level}{features}assembly"));
    let build = |image| {
        let directory = directory.clone();
        Build { target, level, features, feature, image, directory, memory: None }.run(root)
    };
    // It compares the digests itself.
    let (said, went_well) = run(target, &build("digest")?, false)?;
    ensure!(went_well, "`digest` failed with the feature `assembly`:\n{said}");
    let integer = build("sample_integer")?;
    integer::check_has_no_float(&integer)?;
    let (said, went_well) = run(target, &integer, true)?;
    ensure!(went_well, "`sample_integer` failed with the feature `assembly`:\n{said}");
    cost::reported(&said, "evaluation")
}

/// An image to build.
pub(crate) struct Build<'a> {
    pub(crate) target: &'a Target,
    /// An optimisation level, or two: `s+3` is s for all, and 3 for the package flowlet.
    pub(crate) level: &'a str,
    /// CPU features beyond the target's own.
    pub(crate) features: &'a str,
    /// The image's cargo feature, which selects its timer or leaves the float models out; empty for none.
    pub(crate) feature: &'a str,
    pub(crate) image: &'a str,
    /// The target directory of the build.
    pub(crate) directory: PathBuf,
    /// The linker memory file of a real board; `None` for the emulated machine's.
    pub(crate) memory: Option<PathBuf>,
}

impl Build<'_> {
    /// Builds the image and returns the program's path.
    pub(crate) fn run(&self, root: &Path) -> Result<PathBuf> {
        let Self { target, level, features, feature, image, directory, memory } = self;
        let mut flags = toolchain::link_flags(target)?.to_string();
        if !features.is_empty() {
            flags += &format!(" -C target-feature={features}");
        }
        let mut cargo = toolchain::cargo("build", target)?;
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
        if !feature.is_empty() {
            cargo.args(["--features", feature]);
        }
        if let Some(memory) = memory {
            cargo.env("FLOWLET_MEMORY", memory);
        }
        let status = cargo.status().context("cannot run cargo")?;
        ensure!(status.success(), "cannot build the image `{image}` for {}", target.triple);
        let extension = if matches!(target.machine, Machine::Node) { ".wasm" } else { "" };
        Ok(directory.join(target.triple).join("release").join(format!("{image}{extension}")))
    }
}

/// Returns an opt-level in TOML: a number or a quoted string.
fn quoted(level: &str) -> String {
    if level.parse::<u8>().is_ok() { level.to_string() } else { format!("{level:?}") }
}

/// Returns whether this CPU has the features.
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

/// Runs an image to its end. Returns its output, and whether it exited with 0. With `counted`, each instruction
/// takes one nanosecond of the emulated machine's time, so that the machine's timer counts instructions.
fn run(target: &Target, image: &Path, counted: bool) -> Result<(String, bool)> {
    let mut command = match &target.machine {
        Machine::Host | Machine::X87 => Command::new(image),
        Machine::Node => {
            let mut node = Command::new("node");
            node.args(["--input-type=module", "-e", NODE]).arg(image).arg(MODELS.join(","));
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
        format!(
            "cannot run {program}: if it is missing, `tests/firmware/run --install` installs it"
        )
    })?;
    // QEMU's semihosting prints to standard error.
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Ok((said, status.success()))
}

const NODE: &str = "
    import { readFileSync } from 'node:fs';
    const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[1]));
    process.argv[2].split(',').forEach((name, model) => {
        const digest = BigInt.asUintN(64, instance.exports.digest(model));
        console.log('digest', name, digest.toString(16).padStart(16, '0'));
        if (!instance.exports.methods_agree(model)) process.exitCode = 1;
    });";

/// Reads the lines `digest MODEL HEXADECIMAL`.
fn outcomes(said: &str) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for line in said.lines() {
        if let ["digest", model, digest] = line.split_whitespace().collect::<Vec<_>>()[..] {
            let digest = u64::from_str_radix(digest, 16).with_context(|| line.to_string())?;
            outcomes.push(Outcome { model: model.to_string(), digest });
        }
    }
    if outcomes.is_empty() {
        bail!("the image `digest` printed no line `digest`, but:\n{said}");
    }
    Ok(outcomes)
}
