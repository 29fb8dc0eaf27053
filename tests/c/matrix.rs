//! The matrix of compilers, levels and chips.
//!
//! Read from the environment: `FLOWLET_C_ALL` for all levels and compilers, `FLOWLET_C_CHIPS` for the beginnings of
//! chips' names, `FLOWLET_C_WRITE` to write the table into README.md.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flowlet_trainer::export::SolverChoice;

use crate::chip::Chip;
use crate::subject::{Inputs, Subject, committed, open};
use crate::{OWN, chips_named, is_there};

/// The models whose cost is in the table; the others are only compared.
const SHOWN: [&str; 3] = ["mixture", "mixture-i16", "mixture-i8"];

const BEGIN: &str = "<!-- written by tests/c/run --write -->\n";
const END: &str = "<!-- end -->\n";

pub(crate) fn run(root: &Path) -> Result<()> {
    let all = env::var_os("FLOWLET_C_ALL").is_some();
    let names = env::var("FLOWLET_C_CHIPS").unwrap_or_default();
    let names: Vec<String> =
        names.split(',').filter(|name| !name.is_empty()).map(String::from).collect();
    let levels: &[&str] = if all { &["-O0", "-O2", "-O3", "-Os"] } else { &["-O3", "-Os"] };
    let mut table = String::from(
        "| model | chip | compiler | level | digest | code | stack | instructions | Rust |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let rust = rust(root)?;
    let (mut compared, mut failed) = (0, Vec::new());
    for chip in chips_named(&names) {
        if !all && names.is_empty() && !chip.short {
            continue;
        }
        ensure!(is_there(chip.compiler), "{} is missing: tests/c/run --install", chip.compiler);
        for name in committed() {
            let model = open(&name);
            let choice = if chip.paths < 8 { SolverChoice { steps: Some(8), ..OWN } } else { OWN };
            let inputs = Inputs::golden(&name, Some(chip.paths));
            let subject = Subject::new(&name, &model, choice, &inputs)?;
            if subject.float && !chip.floats {
                continue;
            }
            for level in levels {
                let run = chip.run(&subject, &[level]);
                let compare = run
                    .as_ref()
                    .map_err(|error| format!("{error:#}"))
                    .and_then(|run| subject.compare(run).map_err(|error| format!("{error:#}")));
                compared += 1;
                if let Err(error) = &compare {
                    failed.push(format!("{name}, {}, {level}: {error}", chip.name));
                }
                let Ok(run) = run else { continue };
                let line = row(&name, chip, level, &subject, &run, compare.is_ok(), &rust)?;
                print!("{line}");
                if SHOWN.contains(&name.as_str()) {
                    table.push_str(&line);
                }
            }
        }
    }
    println!("{compared} programs compared");
    ensure!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    if env::var_os("FLOWLET_C_WRITE").is_some() {
        write(&root.join("tests/c/README.md"), &table)?;
    }
    Ok(())
}

fn row(
    name: &str,
    chip: &Chip,
    level: &str,
    subject: &Subject,
    run: &crate::chip::Run,
    is_right: bool,
    rust: &[(String, String, String)],
) -> Result<String> {
    let mut line = String::new();
    let digest = subject.expected.path;
    let right = if is_right { "" } else { " (wrong)" };
    let (stack, cost) = (run.value("stack")?, run.value("cost")?);
    let or_none = |value: u64| if value == 0 { "–".to_string() } else { thousands(value) };
    // Rust's opt-level for a level of gcc.
    let opt = if level == "-Os" { "s" } else { "3" };
    let of_rust = rust.iter().find(|(target, of, _)| {
        name == "mixture"
            && chip.rust == Some(target.as_str())
            && opt == of
            && level != "-O0"
            && level != "-O2"
    });
    let of_rust =
        of_rust.map_or("–".to_string(), |(_, _, count)| thousands(count.parse().unwrap_or(0)));
    writeln!(
        line,
        "| {name} | {} | {} | {level} | {digest:016x}{right} | {} | {} | {} | {of_rust} |",
        chip.name,
        chip.compiler,
        thousands(run.code as u64),
        or_none(stack),
        or_none(cost)
    )?;
    Ok(line)
}

/// Rust's instructions of an evaluation of `mixture`: target, opt-level, count.
fn rust(root: &Path) -> Result<Vec<(String, String, String)>> {
    let text = fs::read_to_string(root.join("trainer/src/model/cost/measured.csv"))?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().context("measured.csv is empty")?;
    let column = |name: &str| head.iter().position(|&of| of == name).context("a column is missing");
    let (target, opt, count) = (column("target")?, column("opt")?, column("instructions")?);
    Ok(lines.map(|line| (line[target].into(), line[opt].into(), line[count].into())).collect())
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

fn write(path: &Path, table: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for the table")?;
    let (_, after) = rest.split_once(END).context("README.md has no end of the table")?;
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    Ok(())
}
