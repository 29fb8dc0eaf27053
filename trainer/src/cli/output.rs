//! What the commands that open a model share: opening, and writing results.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::config::list::List;
use crate::data::{ConditionColumn, Matrix, encode};
use crate::disk::files::write_whole;
use crate::model::Model;
use crate::model::description::ASSUMPTION;

/// Opens the model that a user named, and says on standard error what had to be assumed.
pub(super) fn open(path: &Path) -> Result<Model> {
    let model = Model::open(path)?;
    if !model.states_its_convention {
        note(format_args!(
            "{}: no metadata, assumed: {ASSUMPTION}. `flowlet import` converts other conventions",
            model.path.display()
        ));
    }
    Ok(model)
}

/// Tells the user something on standard error, if anyone listens: a run of hours must not end
/// because nobody does.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// One row of conditions `[1, C]` from `--condition`, or none for a model without.
pub(super) fn condition(model: &Model, cells: Option<&List>) -> Result<Matrix> {
    let columns = model.condition_columns();
    let conditions = model.mlp.condition_dim();
    let Some(cells) = cells else {
        ensure!(
            conditions == 0,
            "the model has conditions: give --condition {}",
            describe(&columns, conditions)
        );
        return Ok(Matrix::new(Vec::new(), 1, 0));
    };
    ensure!(conditions > 0, "the model has no conditions: leave --condition out");
    let cells: Vec<&str> = cells.0.iter().map(String::as_str).collect();
    let values = encode(&columns, &cells)
        .with_context(|| format!("--condition: expected {}", describe(&columns, conditions)))?;
    Ok(Matrix::new(values, 1, conditions))
}

/// `label (one of a, b), speed`, or the number of numbers.
fn describe(columns: &[ConditionColumn], numbers: usize) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| match &column.categories {
            Some(categories) => format!("{} (one of {})", column.name, categories.join(", ")),
            None => column.name.clone(),
        })
        .collect();
    if names.len() == numbers {
        format!("{}: {numbers} values, separated by commas", names.join(", "))
    } else {
        format!("{}; or all {numbers} numbers, separated by commas", names.join(", "))
    }
}

/// Writes a text to standard output, or to a file.
pub(super) fn write_text(out: Option<&Path>, text: &str) -> Result<()> {
    let Some(path) = out else {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        return Ok(stdout.flush()?);
    };
    write_whole(path, text.as_bytes())
}
