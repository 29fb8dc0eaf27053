//! Building, running and measuring the images of one target.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind, elf};

use crate::Row;
use crate::target::{Machine, Target};
use crate::toolchain;

/// What a program found.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) model: String,
    pub(crate) digest: u64,
}

/// What the sampler of the `mixture` model costs.
#[derive(Debug)]
pub(crate) struct Size {
    /// Bytes of code of the sampler, without weights and without what is compiler's or the board's.
    pub(crate) code: u64,
    /// Bytes of the whole image beyond the weights.
    pub(crate) image: u64,
    /// Bytes of static RAM.
    pub(crate) ram: u64,
    /// Bytes of stack.
    pub(crate) stack: u64,
    /// Instructions for an evaluation of the network.
    pub(crate) instructions: u64,
}

/// Builds and runs a target's images.
pub(crate) fn row(
    root: &Path,
    target: &'static Target,
    level: &'static str,
    features: &'static str,
) -> Result<Row> {
    let build = |image| build(root, target, level, features, image);
    let digest = build("digest")?;
    let outcomes = if runs_here(features) || !matches!(target.machine, Machine::Host) {
        let (said, went_well) = run(target, &digest, false)?;
        Some((outcomes(&said)?, went_well))
    } else {
        None
    };
    let size = match target.machine {
        Machine::Qemu(..) => {
            let image = build("sample")?;
            Some(measure(&image, &run(target, &image, true)?.0)?)
        }
        Machine::Node | Machine::Host => None,
    };
    let rustc = toolchain::version(target)?;
    Ok(Row { target, level, features, outcomes, size, rustc })
}

fn build(
    root: &Path,
    target: &Target,
    level: &str,
    features: &str,
    image: &str,
) -> Result<PathBuf> {
    let directory = root.join("target/firmware").join(format!("{level}{features}"));
    let mut flags = toolchain::link_flags(target)?.to_string();
    if !features.is_empty() {
        flags += &format!(" -C target-feature={features}");
    }
    let mut cargo = toolchain::cargo_build(target)?;
    cargo
        .args(["--quiet", "--release", "--package", "image", "--bin", image])
        .args(["--target", target.triple])
        .args(["--config", &format!("profile.release.opt-level={}", quoted(level))])
        .arg("--manifest-path")
        .arg(root.join("tests/firmware/Cargo.toml"))
        .arg("--target-dir")
        .arg(&directory)
        .env("RUSTFLAGS", flags.trim());
    if let Machine::Qemu(_, _, _, tick) = target.machine
        && !tick.is_empty()
    {
        cargo.args(["--features", tick]);
    }
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(status.success(), "{} does not build for {}", image, target.triple);
    let extension = if matches!(target.machine, Machine::Node) { ".wasm" } else { "" };
    Ok(directory.join(target.triple).join("release").join(format!("{image}{extension}")))
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

/// Runs an image to its end and gives what it said, and whether it ended well. `counted`: each instruction takes a nanosecond
/// of the machine's time, so that its timer counts them.
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

fn measure(image: &Path, said: &str) -> Result<Size> {
    let reported = |word: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(word));
        let number = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
        number.with_context(|| format!("the image reported no {word}, but:\n{said}"))
    };
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes).with_context(|| image.display().to_string())?;
    let (mut code, mut weights) = (0, 0);
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or("");
        // As `flowlet::…` and as `<flowlet::… as …>`; and what of the program samples.
        let is_sampler = name.contains("flowlet") || name.contains("4bare6sample");
        match symbol.kind() {
            SymbolKind::Text if is_sampler => code += symbol.size(),
            SymbolKind::Data if name.contains("7MIXTURE") => weights = symbol.size(),
            _ => {}
        }
    }
    ensure!(weights > 0, "{}: no weights found", image.display());
    let (mut loaded, mut ram) = (0, 0);
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
        let flags = sh_flags;
        if flags & u64::from(elf::SHF_ALLOC) == 0 || [".stack", ".heap"].contains(&section.name()?)
        {
            continue;
        }
        if section.kind() != SectionKind::UninitializedData {
            loaded += section.size();
        }
        if flags & u64::from(elf::SHF_WRITE) != 0 {
            ram += section.size();
        }
    }
    Ok(Size {
        code,
        image: loaded - weights,
        ram,
        stack: reported("stack")?,
        instructions: reported("evaluation")?,
    })
}
