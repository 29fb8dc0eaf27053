//! Velocity fields, which solvers integrate.

use crate::grid::Steps;
use crate::lanes::{LANES, Lanes, lane};

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
pub trait VelocityField<const D: usize, const C: usize> {
    /// The velocity dx/dt at the time `t` (0 at the noise, 1 at the data) and the point `x` (flow units),
    /// under the condition `c` (the user's units).
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D];

    /// Evaluates [`LANES`] samples side by side, with the bits of [`Self::velocity`]. `c` is the condition of
    /// each lane. Calls `run` once, with a function that returns the velocities at a time and a point in each
    /// lane.
    ///
    /// A field may compute here, once for all steps, what depends on `c` alone. [`Solver::sample_batch`] and
    /// [`Solver::step_batch`] call this method.
    ///
    /// [`Solver::sample_batch`]: crate::Solver::sample_batch
    /// [`Solver::step_batch`]: crate::Solver::step_batch
    fn with_lanes(&self, c: &Lanes<C>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        run(&mut |t, x| {
            let mut v = [[0.0; LANES]; D];
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
    fn __integrate(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        let _ = (steps, x, c);
        false
    }

    /// Converts from flow units to data units. The default returns `x` unchanged.
    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        x
    }
}

/// A function from a time and a point in each lane to the velocities there; [`VelocityField::with_lanes`]
/// provides it.
pub type LaneVelocity<'a, const D: usize> = &'a mut dyn FnMut(f32, &Lanes<D>) -> Lanes<D>;

impl<M: VelocityField<D, C> + ?Sized, const D: usize, const C: usize> VelocityField<D, C> for &M {
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D] {
        (**self).velocity(t, x, c)
    }

    fn with_lanes(&self, c: &Lanes<C>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        (**self).with_lanes(c, run);
    }

    fn __integrate(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        (**self).__integrate(steps, x, c)
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        (**self).to_data_units(x)
    }
}
