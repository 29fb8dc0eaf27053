//! The solvers' methods as a textbook has them, for whatever the points are made of: what rounding
//! errors of the runtime's are measured against.

use anyhow::Result;
use flowlet::SolverKind;

/// Points and velocities that a path can be computed in.
pub trait Space {
    /// A point, or a velocity.
    type Point: Clone;

    /// The velocity at `t` and `x`.
    ///
    /// # Errors
    ///
    /// Those of the library that computes it.
    fn velocity(&self, t: f64, x: &Self::Point) -> Result<Self::Point>;

    /// `x` and each velocity times its factor.
    ///
    /// # Errors
    ///
    /// Those of the library that computes it.
    fn moved(&self, x: &Self::Point, by: &[(f64, &Self::Point)]) -> Result<Self::Point>;
}

/// The points before the first step and after each, over the grid `times` (`[N + 1]`).
///
/// # Errors
///
/// The space's.
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
