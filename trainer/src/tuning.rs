//! The best times for few steps: a grid fitted to a model, so that N steps end where many would.

use anyhow::{Context, Result, ensure};
use flowlet::{HeapMlp, HeapSolver, Noise, SolverKind};

use crate::config::check_steps;
use crate::data::{ConditionColumn, Matrix};
use crate::dopri5::{self, Tolerances};
use crate::sampling;
use crate::tensor_file::{Block, TensorFile};

/// Of the reference: far below what a few steps leave, and above the rounding of f32.
const TOLERANCES: Tolerances = Tolerances { absolute: 1e-6, relative: 1e-6 };

/// More steps than this are not each moved alone, but the lengths of so many evenly among them, with
/// the others between.
const KNOTS: usize = 12;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The times of the steps, `[N + 1]`, from 0 to 1.
    pub times: Vec<f32>,
    /// With steps of equal length: the mean squared distance (flow units) from where a path ends to
    /// where it should, over starting points that the search did not see.
    pub uniform_error: f64,
    /// With these.
    pub error: f64,
    /// Grids that were tried.
    pub tried: usize,
}

/// Looks for the times of `steps` steps by which paths from the rows of `x_0` (`[n, D]`, flow units)
/// under those of `c` (`[n, C]`, the user's units) end nearest to where they would in very many
/// steps. Odd rows are searched on, even ones judged on. Where nothing better is found, or there is
/// nothing to find, as for one step, the times are the uniform ones.
///
/// The search is over the logarithms of the steps' lengths, so that times cannot change places; it
/// is Hooke and Jeeves's, which needs no derivatives, and gives the same grid each time.
///
/// # Errors
///
/// When the model's paths are not finite, or there are fewer than two rows.
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

/// Writes a solver and its times into a model's file.
///
/// # Errors
///
/// When the times are no grid from 0 to 1.
pub fn apply(file: &mut TensorFile, kind: SolverKind, times: &[f32]) -> Result<()> {
    crate::model::check_grid(times)?;
    file.tensors.insert("grid".to_string(), Block::f32(&[times.len()], times));
    file.metadata.insert("flowlet.solver".to_string(), kind.to_string());
    file.metadata.insert("flowlet.steps".to_string(), (times.len() - 1).to_string());
    Ok(())
}

/// Conditions to tune by where none are given, `[n, C]` in the user's units: of each column of
/// categories every category in turn, and numbers spread as those of training were.
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
        // In a system of numbers with as many digits as there are columns, every combination.
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

/// Starting points and where their paths should end.
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
        let solutions = dopri5::endpoints(mlp, &x_0, &c, TOLERANCES).context("the reference")?;
        let ends = solutions.into_iter().map(|solution| solution.x).collect();
        Ok(Self { mlp, kind, x_0, c, ends })
    }

    /// The mean squared distance from the ends; infinite for times that are no grid.
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

/// The times of steps whose lengths' logarithms, up to a constant, are `knots` with straight lines
/// between.
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

/// Hooke and Jeeves, "'Direct Search' Solution of Numerical and Statistical Problems" (1961).
struct Search<'a> {
    target: &'a Target<'a>,
    steps: usize,
    tried: usize,
}

impl Search<'_> {
    /// In factors of a step's length: from some 1.6 down to 1 %.
    const FIRST: f64 = 0.5;
    const LAST: f64 = 0.01;

    /// So many grids are enough.
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
        // From the best of a few grids whose steps grow or shrink evenly.
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
            // As long as it helps, again in the direction that helped.
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

    /// Tries each knot a little longer and a little shorter, and keeps what is better.
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
    use crate::sampling::noise;

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
    fn one_step_has_nothing_to_tune() {
        let found = tuned(SolverKind::Heun, 1);
        assert_eq!((found.times.as_slice(), found.tried), ([0.0, 1.0].as_slice(), 0));
        assert_eq!(found.error, found.uniform_error);
    }

    #[test]
    fn a_tuned_file_is_a_model_made_for_that_solver() {
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
