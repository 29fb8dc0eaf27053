//! Classifier-free guidance: strengthens the effect of a condition.

use crate::lanes::{Lanes, all};
use crate::scalar::Scalar;
use crate::velocity::{LaneVelocity, VelocityField};

/// A velocity field under classifier-free guidance. It extrapolates from the unconditional velocity towards
/// the conditional one, and beyond it if the weight is above 1. Each evaluation costs two evaluations of the
/// field.
///
/// ```text
/// u = v(t, x, unconditional)
/// v = u + ((v(t, x, c) − u) · weight)
/// ```
///
/// The operations are done in this order, and each is rounded. Weight 0 gives the unconditional velocity.
///
/// It needs a model that was trained with conditions dropped at random (`flowlet train --label-dropout`).
/// [`Mlp::null_condition`](crate::Mlp::null_condition) is the condition that replaced the dropped ones. The
/// method is from Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), applied to velocities.
///
/// ```
/// use flowlet::{Guided, VelocityField};
/// # struct Straight;
/// # impl VelocityField<1, 1> for Straight {
/// #     fn velocity(&self, _: f32, _: [f32; 1], c: [f32; 1]) -> [f32; 1] { c }
/// # }
///
/// // dx/dt = c.
/// let guided = Guided { field: Straight, weight: 1.5, unconditional: [1.0] };
/// assert_eq!(guided.velocity(0.0, [0.0], [3.0]), [4.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guided<M, const C: usize, T = f32> {
    /// The field, or a reference to it.
    pub field: M,
    /// The guidance weight: 0 gives the unconditional velocity, 1 the conditional one up to rounding.
    pub weight: T,
    /// The null condition, in the user's units.
    pub unconditional: [T; C],
}

impl<M, const D: usize, const C: usize, T: Scalar> VelocityField<D, C, T> for Guided<M, C, T>
where
    M: VelocityField<D, C, T>,
{
    fn velocity(&self, t: T, x: [T; D], c: [T; C]) -> [T; D] {
        let u = self.field.velocity(t, x, self.unconditional);
        let mut v = self.field.velocity(t, x, c);
        guide(&mut v, &u, self.weight);
        v
    }

    fn with_lanes(&self, c: &Lanes<C, T>, run: &mut dyn FnMut(LaneVelocity<'_, D, T>)) {
        self.field.with_lanes(&all(self.unconditional), &mut |unconditional| {
            self.field.with_lanes(c, &mut |conditional| {
                run(&mut |t, x| {
                    let u = unconditional(t, x);
                    let mut v = conditional(t, x);
                    guide(v.as_flattened_mut(), u.as_flattened(), self.weight);
                    v
                });
            });
        });
    }

    fn to_data_units(&self, x: [T; D]) -> [T; D] {
        self.field.to_data_units(x)
    }
}

/// Guides velocities in place: `v ← u + ((v − u) · weight)`, where `u` are the unconditional velocities.
pub(crate) fn guide<T: Scalar>(v: &mut [T], u: &[T], weight: T) {
    debug_assert_eq!(v.len(), u.len());
    for (v, &u) in v.iter_mut().zip(u) {
        *v = v.guided(u, weight);
    }
}
