//! The solvers' textbook formulas, generic over the type of points: the reference for the runtime's
//! rounding errors, and the form that training differentiates.

use anyhow::Result;
use flowlet::SolverKind;

/// A velocity field, and the arithmetic on its points that solvers need.
pub trait Space {
    /// The type of points and of velocities.
    type Point: Clone;

    /// Returns the velocity at time `t` and point `x`.
    ///
    /// # Errors
    ///
    /// Returns the error of the library that computes it.
    fn velocity(&self, t: f64, x: &Self::Point) -> Result<Self::Point>;

    /// Returns `x` plus the sum of the velocities, each times its factor.
    ///
    /// # Errors
    ///
    /// Returns the error of the library that computes it.
    fn moved(&self, x: &Self::Point, by: &[(f64, &Self::Point)]) -> Result<Self::Point>;
}

/// Integrates over the grid `times` (`[N + 1]`), and returns the points before the first step and after
/// each step, `[N + 1]`. Adams–Bashforth's first step is an Euler step.
///
/// # Errors
///
/// Returns the first error of `space`.
pub fn path<S: Space>(
    space: &S,
    kind: SolverKind,
    times: &[f32],
    x_0: S::Point,
) -> Result<Vec<S::Point>> {
    let mut points = vec![x_0.clone()];
    let mut x = x_0;
    let mut before: Option<(S::Point, f64)> = None;
    for pair in times.windows(2) {
        let (t, dt) = (f64::from(pair[0]), f64::from(pair[1]) - f64::from(pair[0]));
        let v_1 = space.velocity(t, &x)?;
        x = match (kind, before) {
            (SolverKind::Euler, _) | (SolverKind::AdamsBashforth2, None) => {
                space.moved(&x, &[(dt, &v_1)])?
            }
            (SolverKind::AdamsBashforth2, Some((v_0, dt_0))) => {
                let lean = dt / (2.0 * dt_0);
                space.moved(&x, &[(dt * (1.0 + lean), &v_1), (-dt * lean, &v_0)])?
            }
            (SolverKind::Midpoint, _) => {
                let v_2 = space.velocity(t + dt / 2.0, &space.moved(&x, &[(dt / 2.0, &v_1)])?)?;
                space.moved(&x, &[(dt, &v_2)])?
            }
            (SolverKind::Heun, _) => {
                let v_2 = space.velocity(t + dt, &space.moved(&x, &[(dt, &v_1)])?)?;
                space.moved(&x, &[(dt / 2.0, &v_1), (dt / 2.0, &v_2)])?
            }
            (SolverKind::Rk4, _) => {
                let v_2 = space.velocity(t + dt / 2.0, &space.moved(&x, &[(dt / 2.0, &v_1)])?)?;
                let v_3 = space.velocity(t + dt / 2.0, &space.moved(&x, &[(dt / 2.0, &v_2)])?)?;
                let v_4 = space.velocity(t + dt, &space.moved(&x, &[(dt, &v_3)])?)?;
                let (sixth, third) = (dt / 6.0, dt / 3.0);
                space.moved(&x, &[(sixth, &v_1), (third, &v_2), (third, &v_3), (sixth, &v_4)])?
            }
            (kind, _) => unreachable!("the trainer does not know the method {kind}"),
        };
        points.push(x.clone());
        before = Some((v_1, dt));
    }
    Ok(points)
}
