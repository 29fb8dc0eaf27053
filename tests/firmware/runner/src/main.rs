//! `tests/firmware/run`: the same bits on every chip, shown by running them.

mod board;
mod cost;
mod estimate;
mod golden;
mod image;
mod measured;
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
use target::{TARGETS, Target};

/// Builds the images for every target, runs them, and prints one table: digests of the committed
/// models' golden paths, and what the `mixture` model's sampler costs. Fails when a digest differs
/// from the golden file's.
#[derive(Debug, Parser)]
#[command(name = "tests/firmware/run", max_term_width = 100)]
struct Args {
    /// Targets, whole or the beginning of their names [default: all]
    targets: Vec<String>,
    /// Also at opt-level z, and at s with the package flowlet at 3: twice as long
    #[arg(long)]
    all: bool,
    /// Install what a target needs: by rustup, or else Debian's packages
    #[arg(long)]
    install: bool,
    /// Fail when a number in trainer/src/cost/measured.csv is off by more than 3 %, or the tables
    /// in runtime/README.md are not those of that file
    #[arg(long)]
    check: bool,
    /// Write trainer/src/cost/measured.csv and the tables in runtime/README.md
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Instead of all this, build `sample` to count cycles on a real board [default target:
    /// thumbv7em-none-eabihf]
    #[arg(long, conflicts_with_all = ["check", "write", "all"])]
    cycles: bool,
    /// The board's memory.x for the linker [default: the emulated machine's]
    #[arg(long, value_name = "FILE", requires = "cycles")]
    memory: Option<PathBuf>,
}

/// One line of the table.
struct Row {
    target: &'static Target,
    level: &'static str,
    /// Features beyond the target's own.
    features: &'static str,
    /// The digests, and whether the image ended well; `None` where it was built and this machine
    /// cannot run it.
    outcomes: Option<(Vec<Outcome>, bool)>,
    cost: Option<Cost>,
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
            bail!("{target} is more than one target: --cycles takes one");
        };
        if args.install {
            toolchain::install(target)?;
        }
        board::build(&root, target, args.memory.as_deref())?;
        return Ok(true);
    }
    let expected = golden::digests(&root)?;
    let mut rows = Vec::new();
    for target in choose(&args.targets)? {
        if args.install {
            toolchain::install(target)?;
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
        "{:<30} {:<11} {:<9} {:<4} {:<17}{:<17}{:<17} {:>6} {:>6} {:>5} {:>6} {:>9}",
        "target",
        "machine",
        "features",
        "opt",
        "mixture",
        "moons",
        "8gaussians",
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
            None => print!("{:<51}", "built, not run: this CPU lacks the features"),
            Some((outcomes, went_well)) => {
                let mut digests_right = true;
                for (name, digest) in &expected {
                    let found = outcomes.iter().find(|outcome| outcome.model == *name);
                    let found = found.with_context(|| format!("{name} was not reported"))?.digest;
                    digests_right &= found == *digest;
                    print!("{found:016x}{}", if found == *digest { ' ' } else { '!' });
                }
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
    println!();
    for (name, digest) in &expected {
        println!("{name}: {digest:016x} in its golden file");
    }
    println!(
        "{}",
        if right { "every digest is the golden one" } else { "DIGESTS MARKED ! DIFFER" }
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
            bail!("no target is called {name}: expected one of {}", all.join(", "));
        }
        chosen.extend(found);
    }
    Ok(chosen)
}

/// The repository's root, from where this program's sources are.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).map(Path::to_path_buf).context("the runner lies in the repository")
}
