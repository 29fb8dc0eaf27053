//! The committed models, embedded as firmware embeds them, and their golden paths.

use core::hint::black_box;

use flowlet::{
    Activation, Digest, Euler, FastGelu, Method, Mlp, SelfTest, Silu, Solver, VelocityField, method,
};

use crate::goldens;

/// `weights/mixture`
pub static MIXTURE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../../../../weights/mixture/model.safetensors"));
/// `weights/moons`
pub static MOONS: Mlp<2, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../../../../weights/moons/model.safetensors"));
/// `weights/8gaussians`
pub static EIGHT_GAUSSIANS: Mlp<2, 8, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../../../../weights/8gaussians/model.safetensors"));

/// The model of the runtime's examples.
static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    Mlp::from_safetensors(include_bytes!("../../../../runtime/examples/swirl.safetensors"));

/// The digest of a model's golden paths, as computed and as expected.
pub struct Outcome {
    /// The model's name.
    pub name: &'static str,
    /// The digest of the paths computed here.
    pub found: u64,
    /// The digest in the golden file.
    pub expected: u64,
}

/// The number of models.
pub const MODELS: u32 = 3;

/// Samples the golden paths of one model.
pub fn outcome(model: u32) -> Outcome {
    match model {
        0 => {
            use goldens::mixture::{CONDITION, DIGEST, STEPS, X_0};
            let found = digest::<STEPS, _, _, _, _, _>(&MIXTURE, &X_0, &CONDITION);
            Outcome { name: "mixture", found, expected: DIGEST }
        }
        1 => {
            use goldens::moons::{CONDITION, DIGEST, STEPS, X_0};
            let found = digest::<STEPS, _, _, _, _, _>(&MOONS, &X_0, &CONDITION);
            Outcome { name: "moons", found, expected: DIGEST }
        }
        _ => {
            use goldens::gaussians::{CONDITION, DIGEST, STEPS, X_0};
            let found = digest::<STEPS, _, _, _, _, _>(&EIGHT_GAUSSIANS, &X_0, &CONDITION);
            Outcome { name: "8gaussians", found, expected: DIGEST }
        }
    }
}

/// Returns whether every method gives its golden bits on the first few paths of one model.
pub fn methods_agree(model: u32) -> bool {
    match model {
        0 => {
            use goldens::mixture::{CONDITION, METHODS, X_0};
            methods(&MIXTURE, &X_0, &CONDITION) == METHODS
        }
        1 => {
            use goldens::moons::{CONDITION, METHODS, X_0};
            methods(&MOONS, &X_0, &CONDITION) == METHODS
        }
        _ => {
            use goldens::gaussians::{CONDITION, METHODS, X_0};
            methods(&EIGHT_GAUSSIANS, &X_0, &CONDITION) == METHODS
        }
    }
}

/// The number of paths in a method's digest, and of steps in each.
const FEW: usize = 8;

/// Returns the digest of each method's paths, in the order of `SolverKind::ALL`.
fn methods<const D: usize, const C: usize>(
    field: &impl VelocityField<D, C>,
    x_0: &[[f32; D]],
    condition: &[[f32; C]],
) -> [u64; 5] {
    fn digest<S: Method, const D: usize, const C: usize>(
        field: &impl VelocityField<D, C>,
        x_0: &[[f32; D]],
        condition: &[[f32; C]],
    ) -> u64 {
        let mut digest = Digest::new();
        for (&x_0, &c) in x_0.iter().zip(condition).take(FEW) {
            for (_, x) in Solver::<S, FEW>::UNIFORM.path(field, x_0, c) {
                digest.update(&x);
            }
        }
        digest.value()
    }
    [
        digest::<method::Euler, D, C>(field, x_0, condition),
        digest::<method::Midpoint, D, C>(field, x_0, condition),
        digest::<method::Heun, D, C>(field, x_0, condition),
        digest::<method::Rk4, D, C>(field, x_0, condition),
        digest::<method::AdamsBashforth2, D, C>(field, x_0, condition),
    ]
}

/// The result of [`fast_digest`], which must never change.
pub const FAST_DIGEST: u64 = 0xcccf_a94e_f8fc_8c5b;

/// Returns the digest of a few golden paths of `mixture` with the fast GELU. It differs from the exact GELU's,
/// but is the same on every target, too.
#[inline(never)]
pub fn fast_digest() -> u64 {
    use goldens::mixture::{CONDITION, STEPS, X_0};
    static FAST: Mlp<1, 0, 64, 1, FastGelu> =
        Mlp::from_safetensors(include_bytes!("../../../../weights/mixture/model.safetensors"));
    digest::<STEPS, _, _, _, _, _>(&FAST, &X_0[..4], &CONDITION[..4])
}

/// Returns whether the self-test in each committed model's file passes.
#[inline(never)]
pub fn self_tests_pass() -> bool {
    static MIXTURE_TEST: SelfTest<1, 0> =
        SelfTest::from_safetensors(include_bytes!("../../../../weights/mixture/model.safetensors"));
    static MOONS_TEST: SelfTest<2, 0> =
        SelfTest::from_safetensors(include_bytes!("../../../../weights/moons/model.safetensors"));
    static EIGHT_GAUSSIANS_TEST: SelfTest<2, 8> = SelfTest::from_safetensors(include_bytes!(
        "../../../../weights/8gaussians/model.safetensors"
    ));
    MIXTURE_TEST.run(&MIXTURE).is_ok()
        && MOONS_TEST.run(&MOONS).is_ok()
        && EIGHT_GAUSSIANS_TEST.run(&EIGHT_GAUSSIANS).is_ok()
}

/// A slot for a model that is read at run time. All its bytes are zero, so that it lies in `.bss` and
/// takes no flash: the runner looks there for it by this name.
static mut SLOT: Mlp<2, 0, 32, 1, Silu> = Mlp::zero();

/// Whether a model that is read at run time, in place, is the embedded one: a chip with 16 KiB of RAM
/// must be able to. Before that its velocity is 0.
#[inline(never)]
pub fn load_agrees() -> bool {
    let bytes = include_bytes!("../../../../runtime/examples/swirl.safetensors");
    const EMBEDDED: u64 = SWIRL.fingerprint();
    // SAFETY: this program has one thread, and only this function, which does not call itself, uses it.
    let Some(slot) = (unsafe { (&raw mut SLOT).as_mut() }) else { return false };
    let is_still = slot.velocity(0.5, [0.3, -0.2], []).map(f32::to_bits) == [0; 2];
    is_still && slot.load(black_box(bytes)).is_ok() && slot.fingerprint() == EMBEDDED
}

/// Whether a model that nothing was read into has the velocity 0 under any condition.
#[inline(never)]
pub fn empty_stands_still() -> bool {
    static EMPTY: Mlp<2, 3, 8, 1> = Mlp::zero();
    let c = black_box([1.0, f32::INFINITY, f32::NAN]);
    EMPTY.velocity(0.5, [0.3, -0.2], c).map(f32::to_bits) == [0; 2]
}

fn digest<
    const N: usize,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>(
    mlp: &Mlp<D, C, H, L, A>,
    x_0: &[[f32; D]],
    condition: &[[f32; C]],
) -> u64 {
    let mut digest = Digest::new();
    for (&x_0, &c) in x_0.iter().zip(condition) {
        for (_, x) in Euler::<N>::UNIFORM.path(mlp, x_0, c) {
            digest.update(&x);
        }
    }
    digest.value()
}
