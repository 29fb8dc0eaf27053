//! The table in `runtime/README.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::Row;

const BEGIN: &str = "<!-- tests/firmware/run --write -->\n";
const END: &str = "<!-- end -->";

/// Multiply-adds in an evaluation of the `mixture` model.
const MULTIPLY_ADDS: f64 = 4288.0;

/// How far a number may be off.
const TOLERANCE: f64 = 0.03;

/// Replaces the table by the numbers measured.
pub(crate) fn write(root: &Path, rows: &[Row]) -> Result<()> {
    let path = root.join("runtime/README.md");
    let text = fs::read_to_string(&path)?;
    let (before, _, after) = split(&text)?;
    fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table(rows)))?;
    Ok(())
}

/// Fails when a number in the table is off. Another compiler's numbers are its own.
pub(crate) fn check(root: &Path, rows: &[Row]) -> Result<()> {
    let text = fs::read_to_string(root.join("runtime/README.md"))?;
    let (_, stated, _) = split(&text)?;
    let cells = |line: &str| -> Vec<String> {
        line.split('|').map(|cell| cell.trim().replace(',', "")).collect()
    };
    let stated: Vec<Vec<String>> = stated.lines().map(cells).collect();
    for line in table(rows).lines().skip(2) {
        let measured = cells(line);
        let same = |stated: &&Vec<String>| stated.get(1..3) == measured.get(1..3);
        let Some(stated) = stated.iter().find(same) else {
            bail!("the table in runtime/README.md has no line for {line}: --write makes it");
        };
        if stated[3] != measured[3] {
            eprintln!("not checked, since rustc {} made the table: {line}", stated[3]);
            continue;
        }
        for (stated, measured) in stated.iter().zip(&measured).skip(4) {
            if let (Ok(stated), Ok(measured)) = (stated.parse::<f64>(), measured.parse::<f64>())
                && (stated - measured).abs() > TOLERANCE * measured
            {
                bail!(
                    "the table in runtime/README.md says {stated}, but measured was\n{line}\n--write \
                     brings it up to date"
                );
            }
        }
    }
    Ok(())
}

fn split(text: &str) -> Result<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN).context("runtime/README.md has no table")?;
    let (table, after) =
        rest.split_once(END).context("the table in runtime/README.md has no end")?;
    Ok((before, table, after))
}

fn table(rows: &[Row]) -> String {
    let mut table =
        "| target, machine | opt | rustc | code | image | static RAM | stack | instructions | per \
                     multiply-add |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n"
            .to_string();
    for row in rows {
        let Some(size) = &row.size else { continue };
        let [code, image, ram, stack, instructions] =
            [size.code, size.image, size.ram, size.stack, size.instructions].map(thousands);
        table += &format!(
            "| `{}`, {} | {} | {} | {code} | {image} | {ram} | {stack} | {instructions} | {:.1} |\n",
            row.target.triple,
            row.target.machine.name(),
            row.level,
            row.rustc,
            size.instructions as f64 / MULTIPLY_ADDS
        );
    }
    table
}

/// 12345 as 12,345.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
