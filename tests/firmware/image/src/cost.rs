//! Counts the instructions of a model's evaluation.

use core::hint::black_box;

use flowlet::{Scalar, VelocityField};

use crate::machine::instructions;

/// Defines a type `$name` that evaluates the `static` model `$model`, with `$data` data dimensions and
/// `$condition` conditions. Its evaluation is one function that is not inlined, as in firmware that samples in
/// one place.
#[macro_export]
macro_rules! one_piece {
    ($name:ident, $model:path, $data:literal, $condition:literal) => {
        image::one_piece!($name, $model, $data, $condition, f32);
    };
    ($name:ident, $model:path, $data:literal, $condition:literal, $number:ty) => {
        struct $name;

        impl flowlet::VelocityField<$data, $condition, $number> for $name {
            #[inline(never)]
            fn velocity(
                &self,
                t: $number,
                x: [$number; $data],
                c: [$number; $condition],
            ) -> [$number; $data] {
                flowlet::VelocityField::velocity(&$model, t, x, c)
            }

            fn to_data_units(&self, x: [$number; $data]) -> [$number; $data] {
                flowlet::VelocityField::to_data_units(&$model, x)
            }
        }
    };
}

/// Evaluations in one count, to divide the timer's error among them.
const EVALUATIONS: u64 = 8;

/// Returns the instructions of one evaluation of the field.
pub fn evaluation<const D: usize, const C: usize, T: Scalar>(
    field: &impl VelocityField<D, C, T>,
    t: T,
    mut x: [T; D],
    c: [T; C],
    mut add: impl FnMut(&mut T, T),
) -> u64 {
    let mut evaluate = || {
        let v = field.velocity(black_box(t), black_box(x), black_box(c));
        for (x, v) in x.iter_mut().zip(v) {
            add(x, v);
        }
    };
    let one = instructions(&mut evaluate);
    let calls = instructions(|| {
        for _ in 0..EVALUATIONS {
            evaluate();
        }
    });
    black_box(x);
    one.min(calls / EVALUATIONS)
}
