//! What a solver integrates.

use crate::lanes::{LANES, Lanes, lane};
#[cfg(feature = "std")]
use crate::solver::Steps;

/// A velocity field over `D` data dimensions and `C` conditions.
///
/// It separates models from solvers: anything that has a velocity can be sampled, a formula whose
/// solution is known as well as an [`Mlp`](crate::Mlp).
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
    /// The velocity dx/dt at time `t` (0 at the noise, 1 at the data) and `x` (flow units), under
    /// the condition `c` (the user's units).
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D];

    /// [`Self::velocity`] of [`LANES`] samples side by side, for
    /// [`Solver::sample_batch`](crate::Solver::sample_batch): calls `walk` once with what gives the
    /// velocities at a time and points, one a lane, under the conditions `c` of the lanes. The same bits
    /// as one by one. What a field computes from `c` alone it computes here once.
    fn with_lanes(&self, c: &Lanes<C>, walk: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        walk(&mut |t, x| {
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

    /// Goes all `steps` from `x` on, if the field has a quicker way than one velocity after the other; whether
    /// it has. The same bits.
    #[cfg(feature = "std")]
    #[doc(hidden)]
    fn walk(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        let _ = (steps, x, c);
        false
    }

    /// From flow units to data units. A field whose data was not standardised has nothing to do.
    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        x
    }
}

/// The velocities at a time and a point in each lane, from [`VelocityField::with_lanes`].
pub type LaneVelocity<'a, const D: usize> = &'a mut dyn FnMut(f32, &Lanes<D>) -> Lanes<D>;

impl<M: VelocityField<D, C> + ?Sized, const D: usize, const C: usize> VelocityField<D, C> for &M {
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D] {
        (**self).velocity(t, x, c)
    }

    fn with_lanes(&self, c: &Lanes<C>, walk: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        (**self).with_lanes(c, walk);
    }

    #[cfg(feature = "std")]
    fn walk(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        (**self).walk(steps, x, c)
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        (**self).to_data_units(x)
    }
}
