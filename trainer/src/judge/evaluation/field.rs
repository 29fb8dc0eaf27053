//! Measures that do not depend on the solver in use: held-out loss, path energy, likelihood.

use std::num::NonZeroUsize;

use anyhow::Result;
use flowlet::{HeapSolver, SolverKind};
use rand::RngExt;
use rayon::prelude::*;

use super::result::LogLikelihood;
use super::subject::{FEW_DIMENSIONS, MOST_ASSIGNED, Subject};
use crate::coupling::assignment::Cost;
use crate::coupling::dataset::Real;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::{Distribution, Matrix, Points};
use crate::judge::distance::transport_cost;
use crate::judge::likelihood::{Under, log_likelihood as log_likelihood_of};
use crate::judge::reference::Reference;
use crate::model::cost;

/// Returns the data `[n, D]` in flow units.
fn in_flow(subject: &Subject<'_>, points: &Points) -> Matrix {
    let mut x = points.x.clone();
    subject.units.data.forward(&mut x);
    x
}

/// Returns the training loss on real data: the mean over all coordinates of the squared error between the
/// velocity and x₁ − x₀, at random points of the straight lines from `x_0` to the data.
pub(super) fn held_out_loss(subject: &Subject<'_>, real: &Points, x_0: &Matrix, seed: u64) -> f64 {
    let mlp = &subject.model.mlp;
    let x_1 = in_flow(subject, real);
    let mut rng = generator(seed, Stream::HeldOutTime);
    let times: Vec<f32> = (0..x_1.rows()).map(|_| rng.random()).collect();
    let errors: Vec<f64> = (0..x_1.rows())
        .into_par_iter()
        .map_init(
            || mlp.scratch(),
            |scratch, row| {
                let (t, x_0, x_1) = (times[row], x_0.row(row), x_1.row(row));
                let x_t: Vec<f32> =
                    x_0.iter().zip(x_1).map(|(x_0, x_1)| x_0 + t * (x_1 - x_0)).collect();
                let v = mlp.velocity(t, &x_t, real.c.row(row), scratch);
                let errors = v.iter().zip(x_0.iter().zip(x_1));
                errors.map(|(v, (x_0, x_1))| f64::from(v - (x_1 - x_0)).powi(2)).sum::<f64>()
            },
        )
        .collect();
    errors.iter().sum::<f64>() / x_1.values().len() as f64
}

/// Returns the normalised path energy |E − W₂²| / W₂² (Tong et al. 2024, section 6.1). E is the mean of
/// ∫ |v|² dt over paths of 100 Euler steps; W₂² is between starting points and real data. All in flow
/// units. It is 0 if the paths are as short as possible.
pub(super) fn path_energy(subject: &Subject<'_>, real: &Points, x_0: &Matrix) -> f64 {
    const STEPS: NonZeroUsize = NonZeroUsize::new(100).unwrap();
    let mlp = &subject.model.mlp;
    let solver = HeapSolver::uniform(SolverKind::Euler, STEPS);
    let rows: Vec<usize> = (0..x_0.rows().min(MOST_ASSIGNED)).collect();
    let (x_0, x_1) = (&x_0.select(&rows), in_flow(subject, &real.select(&rows)));
    let energies: Vec<f64> = (0..x_0.rows())
        .into_par_iter()
        .map_init(
            || mlp.scratch(),
            |scratch, row| {
                let path = solver.trajectory(mlp, x_0.row(row), &[], scratch);
                let next = path.iter().skip(mlp.data_dim());
                // A step lasts 1 ÷ N and moves by v ÷ N, so |v|² · dt is N times the squared move.
                let moved = path.iter().zip(next).map(|(x, next)| f64::from(next - x).powi(2));
                moved.sum::<f64>() * STEPS.get() as f64
            },
        )
        .collect();
    let energy = energies.iter().sum::<f64>() / x_0.rows() as f64;
    let least = transport_cost(x_0, &x_1, Cost::SquaredEuclidean);
    (energy - least).abs() / least
}

/// RK4 steps along a path.
const STEPS: usize = 50;

/// The most points whose likelihood is computed.
const POINTS: usize = 1000;

/// Multiply-adds of the likelihood; wide models get fewer points.
const BUDGET: usize = 10_000_000_000;

/// The fewest points, even beyond the budget.
const FEWEST: usize = 50;

/// Returns the mean log-likelihood of real data in nats, or the reason why it is left out.
pub(super) fn log_likelihood(subject: &Subject<'_>, real: &Points) -> Result<LogLikelihood> {
    let model = subject.model;
    let data_dim = model.mlp.data_dim();
    if !matches!(subject.source, Source::Normal) {
        return Ok(LogLikelihood::LeftOut {
            reason: "paths do not start from standard normal noise",
        });
    }
    if data_dim > FEW_DIMENSIONS {
        return Ok(LogLikelihood::LeftOut {
            reason: "the exact divergence is computed for at most 16 data dimensions",
        });
    }
    if subject.units.data.scale.contains(&0.0) {
        return Ok(LogLikelihood::LeftOut { reason: "constant columns have no density" });
    }
    if model.columns.kinds().iter().any(|kind| *kind != 0) {
        let reason = "whole numbers and categories have no density";
        return Ok(LogLikelihood::LeftOut { reason });
    }
    let reference = Reference::new(&model.file, model.mlp.activation())?;
    let work = 4 * STEPS * (data_dim + 1) * cost::multiply_adds(&model.shape());
    let points = (BUDGET / work).clamp(FEWEST, POINTS).min(real.x.rows());
    let x_1 = in_flow(subject, real);
    let scale: f64 = subject.units.data.scale.iter().map(|&scale| f64::from(scale).ln()).sum();
    let values: Vec<f64> = (0..points)
        .into_par_iter()
        .map(|row| {
            let x: Vec<f64> = x_1.row(row).iter().copied().map(f64::from).collect();
            let field = Under { reference: &reference, c: real.c.row(row) };
            log_likelihood_of(&field, &x, STEPS) - scale
        })
        .collect();
    let n = points as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    let error = 2.0 * (variance / n).sqrt();
    Ok(LogLikelihood::Nats { mean, error, truth: truth(subject, real, points), points })
}

/// Returns the mean of the true log-density over the first `points` rows, if the distribution's density is
/// known. If the conditions are classes, the density is that of each row's class.
fn truth(subject: &Subject<'_>, real: &Points, points: usize) -> Option<f64> {
    let Real::Distribution { distribution: Distribution::Mixture(mixture), .. } = subject.real
    else {
        return None;
    };
    let log_density = |row: usize| {
        let x: Vec<f64> = real.x.row(row).iter().copied().map(f64::from).collect();
        match real.c.row(row).iter().position(|&c| c == 1.0) {
            Some(class) => mixture.components()[class].log_density(&x),
            None => mixture.log_density(&x),
        }
    };
    Some((0..points).map(log_density).sum::<f64>() / points as f64)
}
