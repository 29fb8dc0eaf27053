//! The committed models in whole numbers, and their golden paths.

use flowlet::fixed::{Mlp, Mlp4, Mlp8, SelfTest, Solver};
use flowlet::{Digest, Method, VelocityField, method};

use crate::goldens;
use crate::models::Outcome;

macro_rules! models {
    ($($name:ident $type:ty, $module:ident $path:literal;)+) => {
        $(
            #[doc = concat!("`weights/", $path, "`")]
            pub static $name: $type = <$type>::from_safetensors(include_bytes!(concat!(
                "../../../../weights/", $path, "/model.safetensors"
            )));
        )+

        /// The number of models.
        pub const MODELS: u32 = [$($path),+].len() as u32;

        /// Samples the golden paths of one model.
        pub fn outcome(model: u32) -> Outcome {
            let mut number = 0;
            $(
                if model == number {
                    use goldens::$module::{CONDITION, DIGEST, STEPS, X_0};
                    let found = digest::<method::Euler, STEPS, _, _>(&$name, &X_0, &CONDITION);
                    return Outcome { name: $path, found, expected: DIGEST };
                }
                number += 1;
            )+
            let _ = number;
            Outcome { name: "", found: 0, expected: 1 }
        }

        /// Whether every method gives its golden bits on the first few paths of one model, and the model its self-test's.
        pub fn methods_agree(model: u32) -> bool {
            let mut number = 0;
            $(
                if model == number {
                    use goldens::$module::{CONDITION, METHODS, X_0};
                    static TEST: SelfTest<{ X_0[0].len() }, { CONDITION[0].len() }> =
                        SelfTest::from_safetensors(include_bytes!(concat!(
                            "../../../../weights/", $path, "/model.safetensors"
                        )));
                    return methods(&$name, &X_0, &CONDITION) == METHODS && TEST.run(&$name).is_ok();
                }
                number += 1;
            )+
            let _ = number;
            false
        }
    };
}

models! {
    MIXTURE_16 Mlp<1, 0, 64, 1>, mixture_i16 "mixture-i16";
    MIXTURE_8 Mlp8<1, 0, 64, 1>, mixture_i8 "mixture-i8";
    MIXTURE_4 Mlp4<1, 0, 64, 1, 2048>, mixture_one_step_i4 "mixture-one-step-i4";
    MOONS_16 Mlp<2, 0, 64, 1>, moons_i16 "moons-i16";
    MOONS_8 Mlp8<2, 0, 64, 1>, moons_i8 "moons-i8";
    EIGHT_GAUSSIANS_16 Mlp<2, 8, 64, 1>, gaussians_i16 "8gaussians-i16";
    EIGHT_GAUSSIANS_8 Mlp8<2, 8, 64, 1>, gaussians_i8 "8gaussians-i8";
}

/// The number of paths in a method's digest, and of steps in each.
const FEW: usize = 8;

/// Returns the digest of each method's paths, in the order of `SolverKind::ALL`.
fn methods<const D: usize, const C: usize>(
    field: &impl VelocityField<D, C, i32>,
    x_0: &[[i32; D]],
    condition: &[[i32; C]],
) -> [u64; 5] {
    let x_0 = x_0.get(..FEW).unwrap_or(x_0);
    [
        digest::<method::Euler, FEW, D, C>(field, x_0, condition),
        digest::<method::Midpoint, FEW, D, C>(field, x_0, condition),
        digest::<method::Heun, FEW, D, C>(field, x_0, condition),
        digest::<method::Rk4, FEW, D, C>(field, x_0, condition),
        digest::<method::AdamsBashforth2, FEW, D, C>(field, x_0, condition),
    ]
}

/// The digest of the points after each step, over their little-endian bytes.
fn digest<S: Method, const N: usize, const D: usize, const C: usize>(
    field: &impl VelocityField<D, C, i32>,
    x_0: &[[i32; D]],
    condition: &[[i32; C]],
) -> u64 {
    let mut digest = Digest::new();
    for (&x_0, &c) in x_0.iter().zip(condition) {
        for (_, x) in Solver::<S, N>::UNIFORM.path(field, x_0, c) {
            for x in x {
                digest.update_bytes(&x.to_le_bytes());
            }
        }
    }
    digest.value()
}
