//! What an estimate for other networks is made from, and held against: instructions for a number of
//! each activation, and what each committed model takes. And the stack of each entry point.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod activation;
#[cfg(target_os = "none")]
mod entries;

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::{
        Elu, Euler, FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh, Gelu, GeluTanh, Mish,
        Mlp, Relu, Selu, Silu, Tanh, VelocityField,
    };
    use image::cost::evaluation;
    use image::goldens::{gaussians, mixture, moons};
    use image::machine::{println, stack};
    use image::models::{EIGHT_GAUSSIANS, MIXTURE, MOONS};

    use crate::activation::activation;
    use crate::entries;

    image::entry!(run);
    image::one_piece!(Mixture, MIXTURE, 1, 0);
    image::one_piece!(Moons, MOONS, 2, 0);
    image::one_piece!(EightGaussians, EIGHT_GAUSSIANS, 2, 8);

    fn run() -> bool {
        activation::<Gelu>();
        activation::<GeluTanh>();
        activation::<Silu>();
        activation::<Selu>();
        activation::<Tanh>();
        activation::<Relu>();
        activation::<Elu>();
        activation::<Mish>();
        activation::<FastGelu>();
        activation::<FastGeluTanh>();
        activation::<FastSilu>();
        activation::<FastSelu>();
        activation::<FastTanh>();
        model("mixture", &MIXTURE, &Mixture, mixture::X_0[0], mixture::CONDITION[0]);
        model("moons", &MOONS, &Moons, moons::X_0[0], moons::CONDITION[0]);
        let (x_0, c) = (gaussians::X_0[0], gaussians::CONDITION[0]);
        model("8gaussians", &EIGHT_GAUSSIANS, &EightGaussians, x_0, c);
        entries::all(&Mixture);
        true
    }

    /// Says a model's multiply-adds and activations, its instructions for an evaluation, and the
    /// stack of a sample.
    #[inline(never)]
    fn model<const D: usize, const C: usize, const H: usize, const L: usize>(
        name: &str,
        _: &Mlp<D, C, H, L>,
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) {
        let multiply_adds = (1 + D + C) * H + L * H * H + H * D;
        let activations = (1 + L) * H;
        let instructions = evaluation(field, 0.5, x_0, c, |x, v| *x += v);
        let stack = stack(|| _ = black_box(sample(field, black_box(x_0), black_box(c))));
        println!("model {name} {multiply_adds} {activations} {instructions} {stack}");
    }

    #[inline(never)]
    fn sample<const D: usize, const C: usize>(
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) -> [f32; D] {
        Euler::<50>::UNIFORM.sample(field, x_0, c)
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        image::machine::panicked(info)
    }
}

#[cfg(not(target_os = "none"))]
fn main() {}
