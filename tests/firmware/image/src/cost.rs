//! What a model costs where it runs.

use core::hint::black_box;

use flowlet::VelocityField;

use crate::machine::instructions;

/// A model whose evaluation is one piece of code, as in firmware that samples in one place: a type
/// of that name, for a `static` of so many data dimensions and conditions.
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

/// So many share what a timer's tick may be off.
const EVALUATIONS: u64 = 8;

/// Instructions for an evaluation of the field.
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
