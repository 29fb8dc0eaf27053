//! What a solver integrates.

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

    /// From flow units to data units. A field whose data was not standardised has nothing to do.
    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        x
    }
}

impl<M: VelocityField<D, C> + ?Sized, const D: usize, const C: usize> VelocityField<D, C> for &M {
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D] {
        (**self).velocity(t, x, c)
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        (**self).to_data_units(x)
    }
}
