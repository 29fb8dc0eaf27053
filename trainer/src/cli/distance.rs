//! `flowlet distance`: distances between the points of two files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::output::{note, print};
use crate::config::list::List;
use crate::coupling::assignment::Cost;
use crate::data::table_options::TableOptions;
use crate::data::{Advice, Matrix, RowsOptions, load};
use crate::judge::distance::{Distances, energy, transport_cost};
use crate::judge::evaluation::MOST_ASSIGNED;

const EXAMPLES: &str = "\
Examples:
  flowlet distance samples.npy data.npy
  flowlet distance samples.csv iris.csv --columns 0..4";

/// Measure the distances between the points of two files
///
/// Prints one line of JSON: the Wasserstein distances W1 and W2, the square of W2, the sliced W2, and the energy
/// distance. W1 and W2 are exact: both files need the same number of rows, at most 10,000 unless they have a
/// single column.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Table: CSV, TSV, TXT, JSON lines, NPY, NPZ or safetensors; - is standard input (text or NPY)
    a: PathBuf,
    /// Table with the same number of rows and columns
    b: PathBuf,
    /// Columns by name, number or range, separated by commas [default: all]
    #[arg(long, value_name = "COLUMNS")]
    columns: Option<List>,
    /// Also compute W1 with city-block distances. Slow: 10,000 points in two dimensions take minutes
    #[arg(long)]
    cityblock: bool,
    #[command(flatten)]
    table: TableOptions,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (a, b) = (points(&args.a, args)?, points(&args.b, args)?);
    ensure!(
        (a.rows(), a.columns()) == (b.rows(), b.columns()),
        "{} has {} rows of {} columns, {} has {} rows of {} columns: expected the same numbers. --columns \
         chooses columns",
        args.a.display(),
        a.rows(),
        a.columns(),
        args.b.display(),
        b.rows(),
        b.columns()
    );
    ensure!(
        a.columns() == 1 || a.rows() <= MOST_ASSIGNED,
        "{} rows: exact distances take at most {MOST_ASSIGNED} rows, unless there is a single column",
        a.rows()
    );
    let Distances { w1, w2, w2_squared, sliced_w2 } = Distances::between(&a, &b);
    let mut all = serde_json::json!({
        "points": a.rows(),
        "dimensions": a.columns(),
        "w1": w1,
        "w2": w2,
        "w2_squared": w2_squared,
        "sliced_w2": sliced_w2,
        "energy": energy(&a, &b),
    });
    if args.cityblock {
        all["w1_cityblock"] = transport_cost(&a, &b, Cost::Cityblock).into();
    }
    print(&format!("{all}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn points(path: &Path, args: &Args) -> Result<Matrix> {
    let data = args.columns.as_ref().map(|List(columns)| columns.clone());
    let table = args.table;
    let options = RowsOptions { data, table, advice: Advice::Columns, ..RowsOptions::default() };
    let rows = load(path, &options)?;
    rows.notes.iter().for_each(note);
    Ok(rows.points.x)
}
