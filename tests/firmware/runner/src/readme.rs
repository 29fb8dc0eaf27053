//! The tables in `runtime/README.md`, made from `measured.csv`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::measured::{CODE, Measured, STACK};

const PATH: &str = "runtime/README.md";
const COSTS: &str = "<!-- tests/firmware/run --write -->\n";
const ACTIVATIONS: &str = "<!-- tests/firmware/run --write, activations -->\n";
const ENTRIES: &str = "<!-- tests/firmware/run --write, entry points -->\n";
const END: &str = "<!-- end -->";

/// Replaces the tables in the README.
pub(crate) fn write(root: &Path, measured: &Measured) -> Result<()> {
    fs::write(root.join(PATH), updated(root, measured)?)?;
    Ok(())
}

/// Fails when the tables differ from `measured`.
pub(crate) fn check(root: &Path, measured: &Measured) -> Result<()> {
    ensure!(
        updated(root, measured)? == fs::read_to_string(root.join(PATH))?,
        "the tables in {PATH} differ from measured.csv: run with --write to update them"
    );
    Ok(())
}

/// Returns the README's text with tables made from `measured`.
fn updated(root: &Path, measured: &Measured) -> Result<String> {
    let mut text = fs::read_to_string(root.join(PATH)).context(PATH)?;
    let tables = [
        (COSTS, costs(measured)?),
        (ACTIVATIONS, activations(measured)?),
        (ENTRIES, entries(measured)?),
    ];
    for (begin, table) in tables {
        let (before, rest) = text.split_once(begin).with_context(|| missing(begin))?;
        let (_, after) = rest.split_once(END).with_context(|| missing(END))?;
        text = format!("{before}{begin}{table}{END}{after}");
    }
    Ok(text)
}

fn missing(marker: &str) -> String {
    format!("{PATH}: the marker {} is missing", marker.trim())
}

/// Returns the table of costs, a row for each target and opt-level.
fn costs(measured: &Measured) -> Result<String> {
    let mut table =
        "| target, machine | opt | rustc | code | image | static RAM | stack | instructions | per \
         multiply-add | per GELU |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
            .to_string();
    for line in &measured.lines {
        let cell = |column| measured.cell(line, column);
        let row = format!("| `{}`, {} |", cell("target")?, cell("machine")?);
        table += &format!("{row} {} | {} |", cell("opt")?, cell("rustc")?);
        for column in ["code", "image", "ram", "stack", "instructions"] {
            table += &format!(" {} |", thousands(cell(column)?));
        }
        for column in ["per_multiply_add", "gelu"] {
            table += &format!(" {} |", three_digits(cell(column)?)?);
        }
        table.push('\n');
    }
    Ok(table)
}

/// Returns the table of activations, a row for each target at opt-level 3.
fn activations(measured: &Measured) -> Result<String> {
    let names = measured.activations();
    let mut table = "| target |".to_string();
    for name in names {
        table += &format!(" `{name}` |");
    }
    table += &format!("\n|---|{}\n", "---:|".repeat(names.len()));
    for line in &measured.lines {
        if measured.cell(line, "opt")? != "3" {
            continue;
        }
        table += &format!("| `{}` |", measured.cell(line, "target")?);
        for name in names {
            table += &format!(" {} |", three_digits(measured.cell(line, name)?)?);
        }
        table.push('\n');
    }
    Ok(table)
}

/// A row for each target, at level s: bytes of stack and of code.
fn entries(measured: &Measured) -> Result<String> {
    let names: Vec<&str> = measured.entries().collect();
    let mut table = "| target |".to_string();
    for name in &names {
        table += &format!(" `{name}` |");
    }
    table += &format!("\n|---|{}\n", "---:|".repeat(names.len()));
    for line in &measured.lines {
        if measured.cell(line, "opt")? != "s" {
            continue;
        }
        table += &format!("| `{}` |", measured.cell(line, "target")?);
        for name in &names {
            let cell = |what| measured.cell(line, &format!("{name}{what}"));
            table += &format!(" {}, {} |", thousands(cell(STACK)?), thousands(cell(CODE)?));
        }
        table.push('\n');
    }
    Ok(table)
}

/// Formats 12345 as 12,345.
fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats 1234.56 as 1,235, 123.45 as 123, 12.345 as 12.3 and 1.2345 as 1.23.
fn three_digits(text: &str) -> Result<String> {
    let number: f64 =
        text.parse().with_context(|| format!("measured.csv: {text} is not a number"))?;
    Ok(match number {
        100.0.. => thousands(&format!("{number:.0}")),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    })
}
