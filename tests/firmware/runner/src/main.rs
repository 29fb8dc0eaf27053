//! `tests/firmware/run`: checks on emulated chips that every target gives the same bits, and measures the cost.

mod board;
mod cost;
mod estimate;
mod golden;
mod image;
mod integer;
mod measured;
mod project;
mod readme;
mod target;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use cost::Cost;
use image::Outcome;
use measured::Measured;
use target::{Machine, TARGETS, Target};

/// Builds the images for every target, runs them and prints a table: the digests of the committed models'
/// golden paths, and the cost of the `mixture` model's sampler. Fails when a digest differs from the golden
/// file's.
#[derive(Debug, Parser)]
#[command(name = "tests/firmware/run", max_term_width = 100)]
struct Args {
    /// Targets, or the beginnings of their names [default: all]
    targets: Vec<String>,
    /// Also at opt-level z, and at s with the package flowlet at 3: twice as long
    #[arg(long)]
    all: bool,
    /// Install what the targets need, with rustup or from Debian's packages
    #[arg(long)]
    install: bool,
    /// Fail when a number in trainer/src/model/cost/measured.csv differs by more than 3 %, or when the tables
    /// in runtime/README.md differ from that file
    #[arg(long)]
    check: bool,
    /// Write the numbers to trainer/src/model/cost/measured.csv and to the tables in runtime/README.md
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Only build `sample` for a real board, where it counts cycles; takes one target [default target:
    /// thumbv7em-none-eabihf]
    #[arg(long, conflicts_with_all = ["check", "write", "all"])]
    cycles: bool,
    /// Linker memory file of the board, memory.x [default: the emulated machine's]
    #[arg(long, value_name = "FILE", requires = "cycles")]
    memory: Option<PathBuf>,
    /// Instead of all this, run the firmware project DIR for thumbv7em-none-eabihf in QEMU; --check then compares its
    /// output with its README.md
    #[arg(long, value_name = "DIR", conflicts_with_all = ["write", "cycles", "targets"])]
    project: Option<PathBuf>,
}

/// One line of the table.
struct Row {
    target: &'static Target,
    level: &'static str,
    /// Features beyond the target's own.
    features: &'static str,
    /// The digests, and whether the image exited with 0; `None` if this machine can only build the image, not
    /// run it.
    outcomes: Option<(Vec<Outcome>, bool)>,
    cost: Option<Cost>,
    /// The cost in whole numbers.
    integer: Option<integer::Integer>,
    /// The compiler's version.
    rustc: String,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let root = root()?;
    if args.cycles {
        let target = if args.targets.is_empty() { "thumbv7em" } else { &args.targets.join(" ") };
        let [target] = choose(&[target.to_string()])?[..] else {
            bail!("{target}: expected one target with --cycles, found several");
        };
        if args.install {
            toolchain::install(target)?;
        }
        board::build(&root, target, args.memory.as_deref())?;
        return Ok(true);
    }
    if let Some(directory) = &args.project {
        let [target] = choose(&["thumbv7em".to_string()])?[..] else {
            bail!("thumbv7em is one target");
        };
        if args.install {
            toolchain::install(target)?;
        }
        return project::run(&root, directory, target, args.check);
    }
    let expected = golden::digests(&root)?;
    let mut rows = Vec::new();
    for target in choose(&args.targets)? {
        if args.install {
            toolchain::install(target)?;
        }
        if !toolchain::can_build(target)? {
            eprintln!(
                "{0}: not built: it needs an x86-64, `rustup target add {0}` and gcc-multilib",
                target.triple
            );
            continue;
        }
        let further = if args.all { target.further_levels } else { &[] };
        for level in target.levels.iter().chain(further) {
            for features in target.features {
                eprintln!("{} {features} at opt-level {level}", target.triple);
                rows.push(image::row(&root, target, level, features)?);
            }
        }
    }
    let mut right = true;
    println!(
        "{:<30} {:<11} {:<9} {:<4} {:<17}{:<17}{:<17}{:<9} {:>6} {:>6} {:>5} {:>6} {:>9}",
        "target",
        "machine",
        "features",
        "opt",
        "mixture",
        "moons",
        "8gaussians",
        "integers",
        "code",
        "image",
        "RAM",
        "stack",
        "instr."
    );
    for row in &rows {
        print!(
            "{:<30} {:<11} {:<9} {:<4} ",
            row.target.triple,
            row.target.machine.name(),
            row.features,
            row.level
        );
        match &row.outcomes {
            None => print!("{:<60}", "built, not run: this CPU lacks the features"),
            Some((outcomes, went_well)) => {
                let mut digests_right = true;
                let mut integers = 0;
                for (k, (name, digest)) in expected.iter().enumerate() {
                    if k < golden::FLOAT_MODELS && matches!(row.target.machine, Machine::X87) {
                        print!("{:<17}", "outside");
                        continue;
                    }
                    let found = outcomes.iter().find(|outcome| outcome.model == *name);
                    let found = found
                        .with_context(|| format!("the image printed no digest of {name}"))?
                        .digest;
                    digests_right &= found == *digest;
                    if k < golden::FLOAT_MODELS {
                        print!("{found:016x}{}", if found == *digest { ' ' } else { '!' });
                    } else if found == *digest {
                        integers += 1;
                    } else {
                        print!("{name} {found:016x}! ");
                    }
                }
                print!("{:<9}", format!("{integers} equal"));
                if digests_right && !went_well {
                    print!(
                        " a method, a model read at run time, the fast GELU or a self-test failed!"
                    );
                }
                right &= digests_right && *went_well;
            }
        }
        match &row.cost {
            Some(cost) => println!(
                " {:>6} {:>6} {:>5} {:>6} {:>9}",
                cost.code, cost.image, cost.ram, cost.stack, cost.instructions
            ),
            None => println!(),
        }
    }
    estimate::print(&rows);
    integer::print(&rows);
    println!();
    for (name, digest) in &expected {
        println!("{name}: {digest:016x} in the golden file");
    }
    println!(
        "{}",
        if right {
            "all digests equal the golden files' digests"
        } else {
            "FAILED: a digest marked ! differs from its golden file, or a line names a failure"
        }
    );
    let measured = Measured::of(&rows);
    if args.write {
        readme::write(&root, &measured.write(&root)?)?;
    } else if args.check {
        let stated = Measured::read(&root)?;
        measured.check(&stated)?;
        readme::check(&root, &stated)?;
    }
    Ok(right)
}

/// Returns the targets whose names begin with one of `names`, or all if there are no names.
fn choose(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let found: Vec<_> =
            TARGETS.iter().filter(|target| target.triple.starts_with(name.as_str())).collect();
        if found.is_empty() {
            let all: Vec<_> = TARGETS.iter().map(|target| target.triple).collect();
            bail!("unknown target {name}: expected one of {}", all.join(", "));
        }
        chosen.extend(found);
    }
    Ok(chosen)
}

/// Returns the repository's root, found from the directory of this program's sources.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .context("the runner is not in tests/firmware/runner")
}
