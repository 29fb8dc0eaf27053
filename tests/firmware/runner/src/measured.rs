//! `trainer/src/model/cost/measured.csv`: the numbers in the README's tables, from which `flowlet inspect` also
//! estimates the cost of a model of any shape.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::Row;

const PATH: &str = "trainer/src/model/cost/measured.csv";

/// The columns before those of the activations and of the entry points. The first three identify the line.
const COLUMNS: [&str; 10] = [
    "target",
    "machine",
    "opt",
    "rustc",
    "code",
    "image",
    "ram",
    "stack",
    "instructions",
    "per_multiply_add",
];

/// What an entry point's columns are called after its name: bytes of stack and of code.
pub(crate) const STACK: &str = "_stack";
pub(crate) const CODE: &str = "_code";

/// The largest relative difference that `check` accepts.
const TOLERANCE: f64 = 0.03;

/// The file's lines: one for each target and opt-level that runs in an emulator.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) header: Vec<String>,
    pub(crate) lines: Vec<Vec<String>>,
}

impl Measured {
    /// Collects the measurements of this run.
    pub(crate) fn of(rows: &[Row]) -> Self {
        let mut measured = Self::default();
        for row in rows {
            let Some(cost) = &row.cost else { continue };
            let activations = cost.activations.iter().map(|(name, _)| name.clone());
            let entries = cost.entries.iter();
            let entries = entries.flat_map(|e| [STACK, CODE].map(|what| e.name.clone() + what));
            let columns = COLUMNS.into_iter().map(String::from);
            measured.header = columns.chain(activations).chain(entries).collect();
            let words = [row.target.triple, row.target.machine.name(), row.level, &row.rustc];
            let counts = [cost.code, cost.image, cost.ram, cost.stack, cost.instructions];
            let mut line: Vec<String> = words.map(String::from).into();
            line.extend(counts.map(|count| count.to_string()));
            line.push(format!("{:.4}", cost.per_multiply_add()));
            line.extend(cost.activations.iter().map(|(_, number)| format!("{number:.2}")));
            let entries = cost.entries.iter();
            line.extend(entries.flat_map(|e| [e.stack, e.code].map(|bytes| bytes.to_string())));
            measured.lines.push(line);
        }
        measured
    }

    /// Reads the file.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(PATH)).context(PATH)?;
        let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect());
        let header: Vec<String> = lines.next().with_context(|| format!("{PATH} is empty"))?;
        let lines: Vec<Vec<String>> = lines.collect();
        ensure!(
            header.iter().zip(COLUMNS).filter(|(found, expected)| found == expected).count()
                == COLUMNS.len()
                && lines.iter().all(|line| line.len() == header.len()),
            "{PATH}: expected the columns {}, … and a cell for each of them in every line: run with --write for \
             all targets to write it anew",
            COLUMNS.join(",")
        );
        Ok(Self { header, lines })
    }

    /// Writes the file. Targets that were not run keep their lines.
    pub(crate) fn write(mut self, root: &Path) -> Result<Self> {
        if let Ok(mut earlier) = Self::read(root)
            && (self.lines.is_empty() || earlier.header == self.header)
        {
            for line in self.lines {
                match earlier.lines.iter_mut().find(|earlier| earlier[..3] == line[..3]) {
                    Some(earlier) => *earlier = line,
                    None => earlier.lines.push(line),
                }
            }
            self = earlier;
        }
        let lines = std::iter::once(&self.header).chain(&self.lines);
        let text: String = lines.map(|line| line.join(",") + "\n").collect();
        let path = root.join(PATH);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, text)?;
        Ok(self)
    }

    /// Fails when a number in the file differs from the measured one by more than [`TOLERANCE`]. Skips lines
    /// that were measured with another version of rustc.
    pub(crate) fn check(&self, stated: &Self) -> Result<()> {
        for measured in &self.lines {
            let line = measured.join(",");
            let Some(stated) = stated.lines.iter().find(|stated| stated[..3] == measured[..3])
            else {
                bail!("{PATH} has no line for {line}: run with --write to add it");
            };
            if stated[3] != measured[3] {
                eprintln!(
                    "not checked, since the file's line was measured with rustc {}: {line}",
                    stated[3]
                );
                continue;
            }
            let is_off = |(stated, measured): (&String, &String)| {
                let [stated, measured] = [stated, measured].map(|text| text.parse::<f64>());
                match (stated, measured) {
                    (Ok(stated), Ok(measured)) => {
                        (stated - measured).abs() > TOLERANCE * measured.abs()
                    }
                    _ => true,
                }
            };
            if stated.len() != measured.len() || stated.iter().zip(measured).skip(4).any(is_off) {
                bail!(
                    "{PATH} has\n{}\nbut this run measured\n{line}\nRun with --write to update it",
                    stated.join(",")
                );
            }
        }
        Ok(())
    }

    /// Returns a line's cell in the column of that name.
    pub(crate) fn cell<'a>(&self, line: &'a [String], column: &str) -> Result<&'a str> {
        let place = self.header.iter().position(|name| name == column);
        let cell = place.and_then(|place| line.get(place));
        Ok(cell.with_context(|| format!("{PATH} has no column {column}"))?)
    }

    /// The activations' names.
    pub(crate) fn activations(&self) -> &[String] {
        let names = self.header.get(COLUMNS.len()..).unwrap_or_default();
        let entries = names.iter().position(|name| name.ends_with(STACK)).unwrap_or(names.len());
        &names[..entries]
    }

    /// The entry points' names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &str> {
        self.header.iter().filter_map(|name| name.strip_suffix(STACK))
    }
}
