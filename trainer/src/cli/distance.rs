//! `flowlet distance`: between the points of two files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::config::list::List;
use crate::coupling::assignment::Cost;
use crate::data::{Matrix, RowsOptions, load};
use crate::judge::distance::{Distances, transport_cost};
use crate::judge::evaluation::MOST_ASSIGNED;

/// Exact distances between the points of two files, of as many rows each: W1, W2 and its square,
/// sliced W2, and the energy distance. JSON, on one line.
///
/// Examples:
///   flowlet distance samples.npy data.npy
///   flowlet distance samples.csv iris.csv --columns 0..4
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A CSV, TSV, NPY or safetensors file
    a: PathBuf,
    /// Another
    b: PathBuf,
    /// Columns by name, number or range [default: all]
    #[arg(long, value_name = "COLUMNS")]
    columns: Option<List>,
    /// W1 by city-block costs too, of which very many are equal: 10,000 points in two dimensions
    /// take minutes
    #[arg(long)]
    cityblock: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (a, b) = (points(&args.a, args)?, points(&args.b, args)?);
    ensure!(
        (a.rows(), a.columns()) == (b.rows(), b.columns()),
        "{} has {} rows of {} columns, {} has {} of {}: expected as many",
        args.a.display(),
        a.rows(),
        a.columns(),
        args.b.display(),
        b.rows(),
        b.columns()
    );
    ensure!(
        a.columns() == 1 || a.rows() <= MOST_ASSIGNED,
        "{} rows: exact distances take at most {MOST_ASSIGNED}, except on a line",
        a.rows()
    );
    let Distances { w1, w2, w2_squared, sliced_w2, energy } = Distances::between(&a, &b);
    let mut all = serde_json::json!({
        "points": a.rows(),
        "dimensions": a.columns(),
        "w1": w1,
        "w2": w2,
        "w2_squared": w2_squared,
        "sliced_w2": sliced_w2,
        "energy": energy,
    });
    if args.cityblock {
        all["w1_cityblock"] = transport_cost(&a, &b, Cost::Cityblock).into();
    }
    writeln!(io::stdout(), "{all}")?;
    Ok(ExitCode::SUCCESS)
}

fn points(path: &Path, args: &Args) -> Result<Matrix> {
    let data = args.columns.as_ref().map(|List(columns)| columns.clone());
    Ok(load(path, &RowsOptions { data, ..RowsOptions::default() })?.points.x)
}
