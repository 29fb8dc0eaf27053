//! The time of an optimal assignment between two sets of points on one core, with squared distances as costs.
//!
//! ```sh
//! cargo bench --bench assignment [-- SIZE…]
//! python benches/transport/compare.py
//! ```
//!
//! Prints a line of CSV for each problem. Writes these lines and the points to `target/transport`, where
//! `compare.py` finds them and solves the same problems with POT's network simplex. Then prints the times of plain and
//! of conditional transport with one condition.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use flowlet_trainer::config::TrainConfig;
use flowlet_trainer::config::words::CouplingKind;
use flowlet_trainer::coupling::Coupling;
use flowlet_trainer::coupling::assignment::{Cost, assign};
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::data::{Matrix, default_conditions, preset};
use flowlet_trainer::solve::sampling::noise;

const SIZES: [usize; 4] = [1024, 2048, 5000, 10_000];

fn main() -> Result<()> {
    let asked: Vec<usize> = std::env::args().filter_map(|size| size.parse().ok()).collect();
    let sizes = if asked.is_empty() { &SIZES[..] } else { &asked[..] };
    let directory = target().join("transport");
    fs::create_dir_all(&directory)?;
    let mut lines = "problem,points,dimensions,seconds,mean_cost\n".to_string();
    print!("{lines}");
    for &n in sizes {
        for (name, a, b) in problems(n) {
            let (seconds, columns) = timed(&a, &b);
            let cost = |(i, &j): (usize, &usize)| -> f64 {
                let pairs = a.row(i).iter().zip(b.row(j));
                pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
            };
            let mean = columns.iter().enumerate().map(cost).sum::<f64>() / n as f64;
            let mut line = String::new();
            writeln!(line, "{name},{n},{},{seconds:.5},{mean:?}", a.columns())?;
            print!("{line}");
            lines.push_str(&line);
            for (side, points) in [("a", &a), ("b", &b)] {
                let bytes: Vec<u8> = points.values().iter().flat_map(|x| x.to_le_bytes()).collect();
                fs::write(directory.join(format!("{name}-{n}-{side}.f32")), bytes)?;
            }
        }
    }
    fs::write(directory.join("flowlet.csv"), lines)?;
    println!("data_columns,points,transport_seconds,conditional_seconds");
    for &n in sizes.iter().filter(|&&n| n <= 2048) {
        for columns in [1, 2, 8] {
            println!("{columns},{n},{}", couplings(n, columns)?);
        }
    }
    Ok(())
}

/// Returns the least seconds of seven runs of plain and of conditional transport, for `n` points of which each is
/// ± a sine of its condition, with noise.
fn couplings(n: usize, columns: usize) -> Result<String> {
    let [x_0, mut x_1] = [0, 1].map(|seed| noise(seed, n, columns));
    let c = noise(2, n, 1);
    for (i, x) in x_1.rows_mut().enumerate() {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        x.iter_mut().for_each(|x| *x = 0.1 * *x + sign * (3.0 * c.row(i)[0]).sin());
    }
    let conditions = default_conditions(1);
    let mut seconds = Vec::new();
    for kind in [CouplingKind::Transport, CouplingKind::ConditionalTransport] {
        let coupling =
            Coupling::new(kind, &conditions, TrainConfig::default().condition_ratio, true)?;
        let mut least = f64::INFINITY;
        for _ in 0..7 {
            let start = Instant::now();
            coupling.pair(&x_0, &x_1, &c)?;
            least = least.min(start.elapsed().as_secs_f64());
        }
        seconds.push(format!("{least:.5}"));
    }
    Ok(seconds.join(","))
}

/// Returns the problems with `n` points on each side: noise and data, data and data, and noise and noise in
/// more dimensions.
fn problems(n: usize) -> Vec<(String, Matrix, Matrix)> {
    let draw = |name: &str, seed| {
        preset(name).unwrap().draw(n, false, &mut generator(seed, Stream::Target)).x
    };
    let mut problems: Vec<_> = ["moons", "8gaussians", "checkerboard"]
        .map(|name| (format!("noise-{name}"), noise(0, n, 2), draw(name, 0)))
        .into();
    problems.push(("8gaussians-moons".to_string(), draw("8gaussians", 0), draw("moons", 0)));
    problems.push((
        "8gaussians-8gaussians".to_string(),
        draw("8gaussians", 0),
        draw("8gaussians", 1),
    ));
    for d in [8, 64] {
        problems.push((format!("noise-noise-{d}"), noise(0, n, d), noise(1, n, d)));
    }
    problems
}

/// Returns the assignment and its seconds: the least of seven runs, or one run above 2048 points.
fn timed(a: &Matrix, b: &Matrix) -> (f64, Vec<usize>) {
    let mut least = f64::INFINITY;
    let mut columns = Vec::new();
    for _ in 0..if a.rows() > 2048 { 1 } else { 7 } {
        let start = Instant::now();
        columns = assign(a, b, Cost::SquaredEuclidean);
        least = least.min(start.elapsed().as_secs_f64());
    }
    (least, columns)
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}
