//! What an estimate for other networks is made from, and held against: instructions for a number of
//! each activation; and what each committed model takes.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::{
        Activation, Elu, Euler, FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh, Gelu,
        GeluTanh, Mish, Mlp, Relu, Selu, Silu, Tanh, VelocityField,
    };
    use image::cost::evaluation;
    use image::goldens::{gaussians, mixture, moons};
    use image::machine::{instructions, println, stack};
    use image::models::{EIGHT_GAUSSIANS, MIXTURE, MOONS};

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
        true
    }

    /// The committed models' hidden units.
    const LAYERS: usize = 2;
    const WIDTH: usize = 64;
    const NUMBERS: usize = LAYERS * WIDTH;

    /// Evenly from −4 to 4 as hidden units are before their activation, and not in order: neighbours
    /// have nothing to do with each other, since GELU takes two together where both are small.
    static GRID: [[f32; WIDTH]; LAYERS] = {
        let mut grid = [[0.0; WIDTH]; LAYERS];
        let mut k = 0;
        while k < NUMBERS {
            let place = 37 * k % NUMBERS;
            grid[k / WIDTH][k % WIDTH] = (place as f32 + 0.5) / 16.0 - 4.0;
            k += 1;
        }
        grid
    };

    /// So many that a tick of the timer is a small part of them.
    const RUNS: u64 = 32;

    /// Says the hundredths of an instruction that a number takes in a network.
    ///
    /// `apply_slice` is what a network does and then one pass that makes every NaN the same. So that
    /// pass, written once more, is counted as well and taken off. Where the two become one loop of
    /// vectors this is wrong; GELU alone is never inlined. There the others are GELU and what
    /// networks that differ in nothing else take more or less, where numbers all take the same.
    fn activation<A: Activation>() {
        let total = if cfg!(target_feature = "neon") {
            slices::<Gelu>() + network::<A>() - network::<Gelu>()
        } else {
            slices::<A>()
        };
        println!("activation {} {}", A::NAME, 100 * total / (RUNS * NUMBERS as u64));
    }

    fn slices<A: Activation>() -> u64 {
        let canonical = |units: &mut [f32]| {
            for x in units {
                *x = if x.is_nan() { f32::from_bits(0x7fc0_0000) } else { *x };
            }
        };
        count(|| GRID.iter().for_each(|units| layer(units, A::apply_slice)))
            - count(|| GRID.iter().for_each(|units| layer(units, canonical)))
    }

    /// A layer's units, on the stack as in a network, where a compiler knows how they are aligned.
    #[inline(never)]
    fn layer(units: &[f32; WIDTH], pass: impl Fn(&mut [f32])) {
        let mut units = *units;
        black_box(&mut units);
        pass(&mut units);
        black_box(&mut units);
    }

    fn network<A: Activation>() -> u64 {
        #[inline(never)]
        fn evaluate<A: Activation>(mlp: &Mlp<1, 0, WIDTH, { LAYERS - 1 }, A>) -> [f32; 1] {
            mlp.velocity(0.5, [0.0], [])
        }
        count(|| _ = black_box(evaluate::<A>(black_box(const { &Mlp::zero() }))))
    }

    /// Instructions for all runs.
    fn count(run: impl Fn()) -> u64 {
        instructions(|| (0..RUNS).for_each(|_| run()))
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
        let instructions = evaluation(field, x_0, c);
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
