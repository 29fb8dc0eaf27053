//! Dormand and Prince's method of order 5(4) with step control: the reference for solvers with few steps.
//!
//! Coefficients, error norm and first step are from Hairer, Nørsett and Wanner, "Solving Ordinary
//! Differential Equations I" (1993), sections II.4 and II.5; PI step control is from volume II, section
//! IV.2.

use anyhow::{Result, ensure};
use flowlet::HeapMlp;
use rayon::prelude::*;

use crate::data::Matrix;

/// The allowed error of a step. A coordinate's scale is `absolute + relative · |x|`, with the larger |x| of
/// the step's two ends. A step is accepted if the root mean square of error ÷ scale over the coordinates is
/// at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// The absolute part, in the units of x.
    pub absolute: f64,
    /// The relative part, as a share of |x|.
    pub relative: f64,
}

/// The end of a path, and the work it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The end of the path, `[D]`.
    pub x: Vec<f64>,
    /// Number of evaluations of the velocity.
    pub evaluations: usize,
    /// Number of accepted steps.
    pub accepted: usize,
    /// Number of rejected steps; each was repeated with a shorter one.
    pub rejected: usize,
}

/// The times of the stages, as fractions of the step.
const C: [f64; 7] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];

/// The weights of the earlier velocities in each stage. The last row gives the step of order 5.
const A: [&[f64]; 7] = [
    &[],
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];

/// Weights of the error estimate: the step of order 5 minus that of order 4.
const E: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

/// The most steps of a path, accepted and rejected; integration then fails.
const MOST_STEPS: usize = 100_000;

/// Integrates dx/dt = v(t, x) from `x_0` (`[D]`) at time `from` to time `to`, which may be earlier.
/// `velocity` gets t and x, and writes v (`[D]`) into its last argument.
///
/// # Errors
///
/// Returns an error if velocities are not finite, or if 100,000 steps do not reach `to`, because the field
/// is too stiff.
pub fn integrate(
    mut velocity: impl FnMut(f64, &[f64], &mut [f64]),
    (from, to): (f64, f64),
    x_0: &[f64],
    tolerances: Tolerances,
) -> Result<Solution> {
    let size = |x: &[f64], scale: &[f64]| {
        let sum: f64 = x.iter().zip(scale).map(|(x, scale)| (x / scale).powi(2)).sum();
        (sum / x.len().max(1) as f64).sqrt()
    };
    let scale =
        |x: f64, next: f64| tolerances.absolute + tolerances.relative * x.abs().max(next.abs());
    let direction = if to < from { -1.0 } else { 1.0 };
    let (mut t, mut x) = (from, x_0.to_vec());
    let mut v = vec![vec![0.0; x.len()]; 7];
    let mut next = x.clone();
    velocity(t, &x, &mut v[0]);
    let mut solution = Solution { x: Vec::new(), evaluations: 1, accepted: 0, rejected: 0 };

    // First step: so short that the velocity hardly changes over it.
    let mut h = {
        let scales: Vec<f64> = x.iter().map(|&x| scale(x, x)).collect();
        let (d_0, d_1) = (size(&x, &scales), size(&v[0], &scales));
        let h_0 = if d_0 < 1e-5 || d_1 < 1e-5 { 1e-6 } else { 0.01 * d_0 / d_1 };
        let h_0 = h_0.min((to - from).abs());
        for ((next, &x), &v) in next.iter_mut().zip(&x).zip(&v[0]) {
            *next = x + direction * h_0 * v;
        }
        let (first, rest) = v.split_at_mut(1);
        velocity(t + direction * h_0, &next, &mut rest[0]);
        solution.evaluations += 1;
        let change: Vec<f64> = rest[0].iter().zip(&first[0]).map(|(a, b)| a - b).collect();
        let steepest = d_1.max(size(&change, &scales) / h_0);
        let h_1 =
            if steepest <= 1e-15 { (1e-3 * h_0).max(1e-6) } else { (0.01 / steepest).powf(0.2) };
        h_1.min(100.0 * h_0)
    };
    let mut error_before: f64 = 1e-4;
    let mut shrunk = false;
    loop {
        let left = (to - t).abs();
        if left == 0.0 {
            solution.x = x;
            return Ok(solution);
        }
        ensure!(
            solution.accepted + solution.rejected < MOST_STEPS && t + direction * h != t,
            "no path within tolerance from time {t}: the field is too stiff or not finite there"
        );
        // Up to 1 % longer, so that no tiny last step remains.
        let last = h * 1.01 >= left;
        let dt = if last { to - t } else { direction * h };
        for stage in 1..7 {
            for (k, next) in next.iter_mut().enumerate() {
                let sum: f64 = A[stage].iter().zip(&v).map(|(a, v)| a * v[k]).sum();
                *next = x[k] + dt * sum;
            }
            velocity(t + C[stage] * dt, &next, &mut v[stage]);
        }
        solution.evaluations += 6;
        let errors: Vec<f64> = (0..x.len())
            .map(|k| {
                let error: f64 = E.iter().zip(&v).map(|(e, v)| e * v[k]).sum();
                dt * error / scale(x[k], next[k])
            })
            .collect();
        let error = (errors.iter().map(|e| e * e).sum::<f64>() / x.len().max(1) as f64).sqrt();
        // NaN fails this test, so the step is rejected.
        if error <= 1.0 {
            let factor = 0.9 * error.max(1e-10).powf(-0.17) * error_before.powf(0.04);
            h = dt.abs() * factor.clamp(0.2, if shrunk { 1.0 } else { 10.0 });
            (error_before, shrunk) = (error.max(1e-4), false);
            t = if last { to } else { t + dt };
            std::mem::swap(&mut x, &mut next);
            // The last stage of this step is the first stage of the next one.
            v.swap(0, 6);
            solution.accepted += 1;
        } else {
            let factor = if error.is_finite() { 0.9 * error.powf(-0.17) } else { 0.1 };
            h = dt.abs() * factor.max(0.1);
            shrunk = true;
            solution.rejected += 1;
        }
    }
}

/// Integrates a model's paths from t = 0 to 1, and returns their ends, `[n]` solutions in flow units. The
/// rows of `x_0` are the starting points (`[n, D]`, flow units), those of `c` the conditions (`[n, C]`, the
/// user's units). The network is evaluated in f32 and the state kept in f64, so that tolerances much below
/// 10⁻⁷ gain nothing.
///
/// # Errors
///
/// Returns the first error of [`integrate`].
pub fn endpoints(
    mlp: &HeapMlp,
    x_0: &Matrix,
    c: &Matrix,
    tolerances: Tolerances,
) -> Result<Vec<Solution>> {
    (0..x_0.rows())
        .into_par_iter()
        .map_init(
            || (mlp.scratch(), vec![0.0; mlp.data_dim()]),
            |(scratch, x_32), row| {
                let x_0: Vec<f64> = x_0.row(row).iter().copied().map(f64::from).collect();
                let velocity = |t: f64, x: &[f64], v: &mut [f64]| {
                    x_32.iter_mut().zip(x).for_each(|(x_32, &x)| *x_32 = x as f32);
                    let v_32 = mlp.velocity(t as f32, x_32, c.row(row), scratch);
                    v.iter_mut().zip(v_32).for_each(|(v, &v_32)| *v = f64::from(v_32));
                };
                integrate(velocity, (0.0, 1.0), &x_0, tolerances)
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tolerance(each: f64) -> Tolerances {
        Tolerances { absolute: each, relative: each }
    }

    #[test]
    fn the_coefficients_are_consistent() {
        for (c, row) in C.iter().zip(A) {
            assert!((row.iter().sum::<f64>() - c).abs() < 1e-14, "{c}");
        }
        assert!(E.iter().sum::<f64>().abs() < 1e-15);
        // The last row satisfies the quadrature conditions of order 5, and the embedded step those of order 4.
        for power in 0..5 {
            let moment = |weights: &dyn Fn(usize) -> f64| -> f64 {
                (0..7).map(|k| weights(k) * C[k].powi(power)).sum()
            };
            let fifth = |k: usize| A[6].get(k).copied().unwrap_or(0.0);
            assert!((moment(&fifth) - 1.0 / f64::from(power + 1)).abs() < 1e-14);
            if power < 4 {
                assert!(moment(&|k| E[k]).abs() < 1e-14, "{power}");
            } else {
                assert!(moment(&|k| E[k]).abs() > 1e-4);
            }
        }
    }

    #[test]
    fn errors_stay_within_twenty_tolerances() {
        let decay = |_: f64, x: &[f64], v: &mut [f64]| v[0] = 3.0 - 2.0 * x[0];
        let turn = |_: f64, x: &[f64], v: &mut [f64]| (v[0], v[1]) = (-5.0 * x[1], 5.0 * x[0]);
        let swell = |t: f64, x: &[f64], v: &mut [f64]| v[0] = x[0] * (3.0 * t * t + 1.0);
        let mut evaluations = Vec::new();
        for each in [1e-3, 1e-6, 1e-9, 1e-12] {
            let by = tolerance(each);
            let solutions = [
                integrate(decay, (0.0, 1.0), &[-1.0], by).unwrap(),
                integrate(turn, (0.0, 1.0), &[1.0, 0.0], by).unwrap(),
                integrate(swell, (0.0, 1.0), &[1.0], by).unwrap(),
            ];
            let exact = [1.5 - 2.5 * (-2.0_f64).exp(), 5.0_f64.cos(), 2.0_f64.exp()];
            for (solution, exact) in solutions.iter().zip(exact) {
                let error = (solution.x[0] - exact).abs();
                println!("{each:e}: {error:.1e} in {} evaluations", solution.evaluations);
                assert!(error < 20.0 * each, "{each}: {error:e}");
            }
            evaluations.push(solutions[1].evaluations);
        }
        // Order 5: a thousandth of the error takes about four times the evaluations.
        for pair in evaluations.windows(2) {
            assert!((1.5..6.0).contains(&(pair[1] as f64 / pair[0] as f64)), "{evaluations:?}");
        }
    }

    #[test]
    fn integrating_backwards_returns_to_the_start() {
        let field = |t: f64, x: &[f64], v: &mut [f64]| v[0] = x[0].sin() + t;
        let there = integrate(field, (0.0, 1.0), &[0.3], tolerance(1e-10)).unwrap();
        let back = integrate(field, (1.0, 0.0), &there.x, tolerance(1e-10)).unwrap();
        assert!((back.x[0] - 0.3).abs() < 1e-8, "{back:?}");
    }

    #[test]
    fn a_jump_of_the_velocity_is_resolved() {
        // dx/dt = 1 from t = 0.7 on.
        let field = |t: f64, _: &[f64], v: &mut [f64]| v[0] = if t < 0.7 { 0.0 } else { 1.0 };
        let solution = integrate(field, (0.0, 1.0), &[1.0], tolerance(1e-6)).unwrap();
        assert!((solution.x[0] - 1.3).abs() < 1e-4, "{solution:?}");
        assert!(solution.rejected > 0, "{solution:?}");
    }

    #[test]
    fn a_velocity_that_is_not_finite_is_an_error() {
        let field = |t: f64, _: &[f64], v: &mut [f64]| v[0] = if t < 0.5 { 1.0 } else { f64::NAN };
        let error = integrate(field, (0.0, 1.0), &[0.0], tolerance(1e-6)).unwrap_err();
        assert!(error.to_string().contains("not finite"), "{error}");
        // The solution of dx/dt = x² from x = 1 becomes infinite at t = 1.
        let field = |_: f64, x: &[f64], v: &mut [f64]| v[0] = x[0] * x[0];
        integrate(field, (0.0, 2.0), &[1.0], tolerance(1e-6)).unwrap_err();
    }
}
