//! Guidance: a condition made to count for more.

use crate::kernel;
use crate::lanes::{Lanes, all};
use crate::velocity::{LaneVelocity, VelocityField};

/// A field under classifier-free guidance: from the unconditional velocity through the conditional
/// one and, with a weight above 1, beyond it. Two evaluations of the field for each of its own.
///
/// ```text
/// u = v(t, x, unconditional)
/// v = u + ((v(t, x, c) − u) · weight)
/// ```
///
/// in this order, each operation rounded; weight 0 is the unconditional velocity. Ho and Salimans,
/// "Classifier-Free Diffusion Guidance" (2022), of velocities. It is for models that were trained
/// with conditions dropped at times; the condition that stood for none is
/// [`Mlp::null_condition`](crate::Mlp::null_condition).
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
pub struct Guided<M, const C: usize> {
    /// The field; a reference will do.
    pub field: M,
    /// How far to go from the unconditional velocity: 1 is about the condition's own.
    pub weight: f32,
    /// The condition that stands for none, in the user's units.
    pub unconditional: [f32; C],
}

impl<M: VelocityField<D, C>, const D: usize, const C: usize> VelocityField<D, C> for Guided<M, C> {
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D] {
        let u = self.field.velocity(t, x, self.unconditional);
        let mut v = self.field.velocity(t, x, c);
        kernel::guide(&mut v, &u, self.weight);
        v
    }

    fn with_lanes(&self, c: &Lanes<C>, walk: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        self.field.with_lanes(&all(self.unconditional), &mut |unconditional| {
            self.field.with_lanes(c, &mut |conditional| {
                walk(&mut |t, x| {
                    let u = unconditional(t, x);
                    let mut v = conditional(t, x);
                    kernel::guide(v.as_flattened_mut(), u.as_flattened(), self.weight);
                    v
                });
            });
        });
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        self.field.to_data_units(x)
    }
}
