//! Fits a time grid to a model, so that paths of N steps end near those of very many steps.

use anyhow::{Context, Result, ensure};
use flowlet::{HeapMlp, HeapSolver, Noise, SolverKind};

use crate::config::words::check_steps;
use crate::data::{ConditionColumn, Matrix};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::solve::dopri5::{self, Tolerances};
use crate::solve::sampling;

/// The tolerances of the reference: far below the error of a few steps, and above the rounding error of f32.
const TOLERANCES: Tolerances = Tolerances { absolute: 1e-6, relative: 1e-6 };

/// The most parameters of the search. With more steps than this, the logarithms of the step lengths are
/// interpolated linearly between this number of evenly spaced knots.
const KNOTS: usize = 12;

/// The result of tuning.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The times of the steps, `[N + 1]`, from 0 to 1.
    pub times: Vec<f32>,
    /// The error of uniform steps: the mean squared distance between the ends of paths and of reference
    /// paths, in flow units, over starting points that the search did not use.
    pub uniform_error: f64,
    /// The same error with `times`.
    pub error: f64,
    /// The number of grids that were tried.
    pub tried: usize,
}

/// Searches for the times of `steps` steps with which paths end nearest to reference paths of very many
/// steps. Paths start at the rows of `x_0`, `[n][D]` in flow units, with the conditions `c`, `[n][C]` in
/// the user's units. The search uses the odd rows, and the result is judged on the even rows. If no grid is
/// better than the uniform one, or there is only one step, the times are uniform.
///
/// The search varies the logarithms of the step lengths, so that the times stay in order. It is the method
/// of Hooke and Jeeves, which needs no derivatives and is deterministic.
///
/// # Errors
///
/// Returns an error if the model's paths are not finite, or there are fewer than two rows.
pub fn tune(
    mlp: &HeapMlp,
    kind: SolverKind,
    steps: usize,
    x_0: &Matrix,
    c: &Matrix,
) -> Result<Tuned> {
    check_steps(steps)?;
    ensure!(x_0.rows() >= 2, "expected at least two starting points, found {}", x_0.rows());
    let half = |odd: usize| -> Result<Target<'_>> {
        let rows: Vec<usize> = (odd..x_0.rows()).step_by(2).collect();
        Target::new(mlp, kind, x_0.select(&rows), c.select(&rows))
    };
    let (judged, searched) = (half(0)?, half(1)?);
    let uniform: Vec<f32> = HeapSolver::uniform(kind, steps.try_into()?).times().collect();
    let uniform_error = judged.error(&uniform);
    ensure!(uniform_error.is_finite(), "the model's paths are not finite");

    let mut search = Search { target: &searched, steps, tried: 0 };
    let knots = search.run();
    let times = times(&knots, steps);
    let error = judged.error(&times);
    let tried = search.tried;
    if error < uniform_error {
        Ok(Tuned { times, uniform_error, error, tried })
    } else {
        Ok(Tuned { times: uniform, uniform_error, error: uniform_error, tried })
    }
}

/// Writes a solver and its times to a model file.
///
/// # Errors
///
/// Returns an error if the times are not a grid from 0 to 1.
pub fn apply(file: &mut TensorFile, kind: SolverKind, times: &[f32]) -> Result<()> {
    crate::model::check_grid(times)?;
    file.tensors.insert("grid".to_string(), Block::f32(&[times.len()], times));
    file.metadata.insert("flowlet.solver".to_string(), kind.to_string());
    file.metadata.insert("flowlet.steps".to_string(), (times.len() - 1).to_string());
    Ok(())
}

/// Returns conditions to tune with if the user gives none, `[n][C]` in the user's units. They cycle through
/// all combinations of categories. Numbers are drawn from a normal distribution with the training data's
/// mean and scale.
pub fn conditions(
    columns: &[ConditionColumn],
    (mean, scale): (&[f32], &[f32]),
    n: usize,
    seed: u64,
) -> Matrix {
    let noise = Noise::new(seed);
    let mut values = Vec::with_capacity(n * mean.len());
    for row in 0..n {
        let mut draws = vec![0.0; mean.len()];
        noise.fill(row as u64, &mut draws);
        // The digits of `turn` in a mixed radix are the categories of the columns. Odd and even rows, which
        // `tune` uses separately, get the same combinations.
        let mut turn = row / 2;
        for column in columns {
            let at = values.len() - row * mean.len();
            match &column.categories {
                Some(categories) => {
                    let chosen = turn % categories.len();
                    turn /= categories.len();
                    values.extend((0..categories.len()).map(|k| f32::from(u8::from(k == chosen))));
                }
                None => values.push(draws[at] * scale[at] + mean[at]),
            }
        }
    }
    Matrix::new(values, n, mean.len())
}

/// Starting points and the ends of their reference paths.
struct Target<'a> {
    mlp: &'a HeapMlp,
    kind: SolverKind,
    x_0: Matrix,
    c: Matrix,
    /// `[n][D]`
    ends: Vec<Vec<f64>>,
}

impl<'a> Target<'a> {
    fn new(mlp: &'a HeapMlp, kind: SolverKind, x_0: Matrix, c: Matrix) -> Result<Self> {
        let solutions = dopri5::endpoints(mlp, &x_0, &c, TOLERANCES)
            .context("cannot compute the reference paths")?;
        let ends = solutions.into_iter().map(|solution| solution.x).collect();
        Ok(Self { mlp, kind, x_0, c, ends })
    }

    /// Returns the mean squared distance to the ends, or infinity if `times` is not a valid grid.
    fn error(&self, times: &[f32]) -> f64 {
        let Ok(solver) = HeapSolver::try_from_times(self.kind, times) else { return f64::INFINITY };
        let found = sampling::integrate(self.mlp, &solver, &self.x_0, &self.c);
        let distances = self.ends.iter().enumerate().map(|(row, end)| {
            let apart =
                found.row(row).iter().zip(end).map(|(&x, end)| (f64::from(x) - end).powi(2));
            apart.sum::<f64>()
        });
        let mean = distances.sum::<f64>() / self.ends.len() as f64;
        if mean.is_nan() { f64::INFINITY } else { mean }
    }
}

/// Returns the times of `steps` steps, `[steps + 1]`. The logarithms of their lengths, up to a constant, are
/// `knots`, with linear interpolation between them.
fn times(knots: &[f64], steps: usize) -> Vec<f32> {
    let length = |i: usize| {
        if knots.len() == steps {
            return knots[i].exp();
        }
        let place = i as f64 * (knots.len() - 1) as f64 / (steps - 1) as f64;
        let left = (place as usize).min(knots.len() - 2);
        let part = place - left as f64;
        (knots[left] * (1.0 - part) + knots[left + 1] * part).exp()
    };
    let lengths: Vec<f64> = (0..steps).map(length).collect();
    let whole: f64 = lengths.iter().sum();
    let mut t = 0.0;
    let mut times = vec![0.0];
    times.extend(lengths.iter().map(|length| {
        t += length;
        (t / whole) as f32
    }));
    times[steps] = 1.0;
    times
}

/// The pattern search of Hooke and Jeeves, "'Direct Search' Solution of Numerical and Statistical Problems"
/// (1961).
struct Search<'a> {
    target: &'a Target<'a>,
    steps: usize,
    tried: usize,
}

impl Search<'_> {
    /// The first and the last increment of a knot: a factor of about 1.6 and of 1 % in a step's length.
    const FIRST: f64 = 0.5;
    const LAST: f64 = 0.01;

    /// Returns the number of tried grids after which the search stops.
    fn most(&self) -> usize {
        400 + 100 * self.steps.min(KNOTS)
    }

    fn error(&mut self, knots: &[f64]) -> f64 {
        self.tried += 1;
        self.target.error(&times(knots, self.steps))
    }

    fn run(&mut self) -> Vec<f64> {
        let knots = self.steps.min(KNOTS);
        let (mut best, mut least) = (vec![0.0; knots], f64::INFINITY);
        if self.steps == 1 {
            return best;
        }
        // Starts at the best of a few grids whose step lengths grow or shrink by a constant factor.
        for slope in [0.0, -1.0, 1.0, -2.0, 2.0] {
            let ramp: Vec<f64> =
                (0..knots).map(|k| slope * k as f64 / (knots - 1) as f64).collect();
            let error = self.error(&ramp);
            if error < least {
                (best, least) = (ramp, error);
            }
        }
        let mut by = Self::FIRST;
        while by >= Self::LAST && self.tried < self.most() {
            let (mut from, mut error) = self.explore(&best, least, by);
            if error >= least {
                by /= 2.0;
                continue;
            }
            // Repeats the move that helped, as long as it helps.
            while error < least && self.tried < self.most() {
                let ahead: Vec<f64> =
                    from.iter().zip(&best).map(|(from, best)| 2.0 * from - best).collect();
                (best, least) = (from, error);
                let start = self.error(&ahead);
                (from, error) = self.explore(&ahead, start, by);
            }
        }
        best
    }

    /// Tries each knot plus and minus `by`, and keeps each change that lowers the error. Returns the knots
    /// and their error.
    fn explore(&mut self, from: &[f64], error: f64, by: f64) -> (Vec<f64>, f64) {
        let (mut knots, mut least) = (from.to_vec(), error);
        for k in 0..knots.len() {
            for to in [from[k] + by, from[k] - by] {
                let before = std::mem::replace(&mut knots[k], to);
                let error = self.error(&knots);
                if error < least {
                    least = error;
                    break;
                }
                knots[k] = before;
            }
        }
        (knots, least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::solve::sampling::noise;

    fn moons() -> Model {
        Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/moons").as_ref()).unwrap()
    }

    fn tuned(kind: SolverKind, steps: usize) -> Tuned {
        let none = Matrix::new(Vec::new(), 256, 0);
        tune(&moons().mlp, kind, steps, &noise(3, 256, 2), &none).unwrap()
    }

    #[test]
    fn a_tuned_grid_ends_nearer_to_the_reference() {
        for (kind, steps, part) in [
            (SolverKind::Euler, 4, 0.97),
            (SolverKind::Heun, 3, 0.7),
            (SolverKind::AdamsBashforth2, 6, 0.8),
            (SolverKind::Midpoint, 16, 0.5),
        ] {
            let found = tuned(kind, steps);
            println!("{kind} {steps}: {found:?}");
            assert!(found.error < part * found.uniform_error, "{kind} {steps}: {found:?}");
            assert_eq!(found.times.len(), steps + 1);
            crate::model::check_grid(&found.times).unwrap();
            assert_eq!(found, tuned(kind, steps), "not the same again");
        }
    }

    #[test]
    fn one_step_is_not_tuned() {
        let found = tuned(SolverKind::Heun, 1);
        assert_eq!((found.times.as_slice(), found.tried), ([0.0, 1.0].as_slice(), 0));
        assert_eq!(found.error, found.uniform_error);
    }

    #[test]
    fn a_tuned_file_defaults_to_its_solver_and_grid() {
        let mut file = moons().file;
        let times = [0.0, 0.3, 0.7, 1.0];
        apply(&mut file, SolverKind::Heun, &times).unwrap();
        let model = Model::parse(&file.to_bytes().unwrap(), "tuned".into()).unwrap();
        let own = model.solver(None, None).unwrap();
        assert_eq!(own, HeapSolver::try_from_times(SolverKind::Heun, &times).unwrap());
        assert_eq!(model.solver(None, Some(3)).unwrap(), own);
        let uniform = |kind, steps: usize| HeapSolver::uniform(kind, steps.try_into().unwrap());
        let other = model.solver(None, Some(4)).unwrap();
        assert_eq!(other, uniform(SolverKind::Heun, 4));
        let other = model.solver(Some(SolverKind::Rk4), None).unwrap();
        assert_eq!(other, uniform(SolverKind::Rk4, 3));
        assert!(apply(&mut file, SolverKind::Heun, &[0.0, 0.5, 0.9]).is_err());
        assert!(apply(&mut file, SolverKind::Heun, &[0.0, 0.5, 0.5, 1.0]).is_err());
    }

    #[test]
    fn conditions_take_every_combination_of_categories() {
        let categories = |n: usize| Some((0..n).map(|k| k.to_string()).collect());
        let columns = [
            ConditionColumn { name: "a".to_string(), categories: categories(2) },
            ConditionColumn { name: "b".to_string(), categories: None },
            ConditionColumn { name: "c".to_string(), categories: categories(3) },
        ];
        let (mean, scale) = ([0.0, 0.0, 100.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.1, 1.0, 1.0, 1.0]);
        let c = conditions(&columns, (&mean, &scale), 24, 0);
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..24 {
            let row = c.row(row);
            assert_eq!((row[0] + row[1], row[3] + row[4] + row[5]), (1.0, 1.0));
            assert!((row[2] - 100.0).abs() < 0.5 && row[2] != 100.0, "{row:?}");
            seen.insert([row[0], row[1], row[3], row[4], row[5]].map(f32::to_bits));
        }
        assert_eq!(seen.len(), 6);
    }
}
