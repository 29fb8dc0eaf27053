//! Reads a teacher's pairs: starting points, samples and conditions side by side in one file.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};

use super::columns::{array_and_number, default_names, select};
use super::conditions::{ConditionColumn, load_conditions};
use super::matrix::Matrix;
use super::read;
use super::rows::{Rows, RowsOptions, load};
use super::table::Header;
use crate::disk::quote::listed;

/// The columns of a file of pairs, as [`RowsOptions::data`]. Empty for the usual names.
#[derive(Clone, Copy, Debug)]
pub struct PairColumns<'a> {
    /// The starting points: `x_0` if empty.
    pub x_0: &'a [String],
    /// The samples: `x_1` if empty.
    pub x_1: &'a [String],
}

/// The usual name of the conditions.
const CONDITIONS: &str = "c";

/// Reads the pairs of the file `path`: the samples with their conditions, and the starting points, `[n, D]`.
///
/// Without `known` conditions, the conditions are those that `options` name, or the columns `c`. With them, they are
/// the columns of their names, or the columns `c`, which then hold the numbers of the network's conditions:
/// categories one-hot.
///
/// # Errors
///
/// Returns the errors of [`load`], and one if there are not as many columns of starting points as of samples, or the
/// file lacks the conditions.
pub fn load_pairs(
    path: &Path,
    columns: PairColumns<'_>,
    known: Option<&[ConditionColumn]>,
    options: &RowsOptions,
) -> Result<(Rows, Matrix)> {
    let usual = |given: &[String], name: &str| {
        if given.is_empty() { vec![name.to_string()] } else { given.to_vec() }
    };
    let (x_0, x_1) = (usual(columns.x_0, "x_0"), usual(columns.x_1, "x_1"));
    let header = read::open(path, options.table)?.header().clone();
    let chosen = |names: &[String], what: &str, flag: &str| {
        select(&header, names)
            .map_err(|error| anyhow!("{error:#}. Name the {what} of the pairs with {flag}"))
    };
    let starts = chosen(&x_0, "starting points", "--x-0")?;
    let samples = chosen(&x_1, "samples", "--x-1")?;
    ensure!(
        starts.len() == samples.len(),
        "{}: expected as many columns of starting points as of samples, found {} and {}",
        header.file,
        starts.len(),
        samples.len()
    );
    let mut options = options.clone();
    options.data = Some([x_1, x_0].concat());
    let usual = select(&header, &[CONDITIONS.to_string()]).is_ok() && header.named;
    let mut named = None;
    match known {
        None if options.condition.is_empty() && options.conditions_file.is_none() && usual => {
            options.condition = vec![CONDITIONS.to_string()];
        }
        None | Some([]) => {}
        Some(known) => {
            if header.find(known.iter().map(|condition| &condition.name)).is_some() {
                named = Some(known);
            } else {
                let names: Vec<&str> = known.iter().map(|column| column.name.as_str()).collect();
                ensure!(
                    usual,
                    "{}: expected the conditions of the data, in columns called {} or c, found {}",
                    header.file,
                    listed(&names),
                    header.listed()
                );
                options.condition = vec![CONDITIONS.to_string()];
            }
        }
    }
    let mut rows = load(path, &options)?;
    if let Some(known) = named {
        rows.points.c = load_conditions(path, known, options.table)?;
    }
    if let Some(known) = known {
        let width: usize = known.iter().map(ConditionColumn::width).sum();
        let found = rows.points.c.columns();
        ensure!(
            found == width,
            "{}: expected {width} columns of conditions, as the data have with categories one-hot, found {found}",
            header.file
        );
    }
    let x_0 = columns_of(&rows.points.x, samples.len()..2 * samples.len());
    rows.points.x = columns_of(&rows.points.x, 0..samples.len());
    rows.data_shape = header.shape_of(&samples);
    rows.data_columns = names_of(&header, &samples);
    Ok((rows, x_0))
}

/// Returns the names of the samples' columns: those of a file's own columns, but not the numbered ones of an array.
fn names_of(header: &Header, samples: &[usize]) -> Vec<String> {
    let numbered = |&column: &usize| array_and_number(&header.names[column]).1.is_some();
    if !header.named || samples.iter().all(numbered) {
        return default_names(samples.len());
    }
    samples.iter().map(|&column| header.names[column].clone()).collect()
}

fn columns_of(matrix: &Matrix, columns: std::ops::Range<usize>) -> Matrix {
    let values =
        (0..matrix.rows()).flat_map(|row| matrix.row(row)[columns.clone()].iter().copied());
    Matrix::new(values.collect(), matrix.rows(), columns.len())
}
