//! Counts the instructions of a model's evaluation.

use core::hint::black_box;

use flowlet::VelocityField;

use crate::machine::instructions;

/// Defines a type `$name` that evaluates the `static` model `$model`, with `$data` data dimensions and
/// `$condition` conditions. Its evaluation is one function that is not inlined, as in firmware that samples in
/// one place.
#[macro_export]
macro_rules! one_piece {
    ($name:ident, $model:path, $data:literal, $condition:literal) => {
        struct $name;

        impl flowlet::VelocityField<$data, $condition> for $name {
            #[inline(never)]
            fn velocity(&self, t: f32, x: [f32; $data], c: [f32; $condition]) -> [f32; $data] {
                flowlet::VelocityField::velocity(&$model, t, x, c)
            }

            fn to_data_units(&self, x: [f32; $data]) -> [f32; $data] {
                flowlet::VelocityField::to_data_units(&$model, x)
            }
        }
    };
}

/// Evaluations in one count, to divide the timer's error among them.
const EVALUATIONS: u64 = 8;

/// Returns the instructions of one evaluation of the field.
pub fn evaluation<const D: usize, const C: usize>(
    field: &impl VelocityField<D, C>,
    mut x: [f32; D],
    c: [f32; C],
) -> u64 {
    let mut evaluate = || {
        let v = field.velocity(black_box(0.5), black_box(x), black_box(c));
        for (x, v) in x.iter_mut().zip(v) {
            *x += v;
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
