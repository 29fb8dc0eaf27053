//! Velocity fields, which solvers integrate.

use crate::grid::Steps;
use crate::lanes::{LANES, Lanes, lane};
use crate::scalar::Scalar;

/// A velocity field over `D` data dimensions and `C` conditions.
///
/// Solvers take any field: an [`Mlp`](crate::Mlp), or a formula of your own.
///
/// ```
/// use flowlet::{Euler, VelocityField};
///
/// /// Carries every point to `c` in a straight line.
/// struct Straight;
///
/// impl VelocityField<2, 2> for Straight {
///     fn velocity(&self, t: f32, x: [f32; 2], c: [f32; 2]) -> [f32; 2] {
///         [(c[0] - x[0]) / (1.0 - t), (c[1] - x[1]) / (1.0 - t)]
///     }
/// }
///
/// assert_eq!(Euler::<4>::UNIFORM.sample(&Straight, [0.0, 0.0], [1.0, -2.0]), [1.0, -2.0]);
/// ```
pub trait VelocityField<const D: usize, const C: usize, T: Scalar = f32> {
    /// The velocity dx/dt at the time `t` (0 at the noise, 1 at the data) and the point `x` (flow units),
    /// under the condition `c` (the user's units).
    fn velocity(&self, t: T, x: [T; D], c: [T; C]) -> [T; D];

    /// Evaluates [`LANES`] samples side by side, with the bits of [`Self::velocity`]. `c` is the condition of
    /// each lane. Calls `run` once, with a function that returns the velocities at a time and a point in each
    /// lane.
    ///
    /// A field may compute here, once for all steps, what depends on `c` alone. [`Solver::sample_batch`] and
    /// [`Solver::step_batch`] call this method.
    ///
    /// [`Solver::sample_batch`]: crate::Solver::sample_batch
    /// [`Solver::step_batch`]: crate::Solver::step_batch
    fn with_lanes(&self, c: &Lanes<C, T>, run: &mut dyn FnMut(LaneVelocity<'_, D, T>)) {
        run(&mut |t, x| {
            let mut v = [[T::ZERO; LANES]; D];
            for l in 0..LANES {
                let each = self.velocity(t, lane(x, l), lane(c, l));
                for (v, each) in v.iter_mut().zip(each) {
                    v[l] = each;
                }
            }
            v
        });
    }

    /// Integrates `steps` from `x` in place, with the bits of single steps. Returns `false` and leaves `x`
    /// unchanged if the field has no fast path.
    #[doc(hidden)]
    fn __integrate(&self, steps: Steps<'_, T>, x: &mut [T; D], c: [T; C]) -> bool {
        let _ = (steps, x, c);
        false
    }

    /// Converts from flow units to data units. The default returns `x` unchanged.
    fn to_data_units(&self, x: [T; D]) -> [T; D] {
        x
    }
}

/// A function from a time and a point in each lane to the velocities there; [`VelocityField::with_lanes`]
/// provides it.
pub type LaneVelocity<'a, const D: usize, T = f32> =
    &'a mut dyn FnMut(T, &Lanes<D, T>) -> Lanes<D, T>;

impl<M, const D: usize, const C: usize, T: Scalar> VelocityField<D, C, T> for &M
where
    M: VelocityField<D, C, T> + ?Sized,
{
    fn velocity(&self, t: T, x: [T; D], c: [T; C]) -> [T; D] {
        (**self).velocity(t, x, c)
    }

    fn with_lanes(&self, c: &Lanes<C, T>, run: &mut dyn FnMut(LaneVelocity<'_, D, T>)) {
        (**self).with_lanes(c, run);
    }

    fn __integrate(&self, steps: Steps<'_, T>, x: &mut [T; D], c: [T; C]) -> bool {
        (**self).__integrate(steps, x, c)
    }

    fn to_data_units(&self, x: [T; D]) -> [T; D] {
        (**self).to_data_units(x)
    }
}
