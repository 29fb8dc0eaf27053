//! Counts the instructions of each activation for one number, and of each committed model for one evaluation.
//! The runner estimates other networks from the first, and checks that estimate with the second.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::{
        Activation, Euler, FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh, Gelu, GeluTanh,
        Mlp, Relu, Selu, Silu, Tanh, VelocityField,
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

    /// The number of layers with an activation in the committed models.
    const LAYERS: usize = 2;
    const WIDTH: usize = 64;
    const NUMBERS: usize = LAYERS * WIDTH;

    /// Numbers evenly spaced from −4 to 4, like hidden units before their activation. They are mixed, since GELU
    /// takes two neighbours together where both are small.
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

    /// Runs in one count, enough to make a tick of the timer a small part of it.
    const RUNS: u64 = 32;

    /// Prints the instructions that an activation takes for one number in a network, in hundredths.
    ///
    /// `apply_slice` does what a network does, and then a pass that makes every NaN canonical. That pass, written
    /// again here, is counted, too, and subtracted. This is wrong where the compiler joins the two into one
    /// vector loop, as with NEON, except for GELU, which is never inlined. There another activation is GELU's
    /// count plus the difference between two networks that differ in the activation alone; vectors take the same
    /// time for all numbers.
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

    /// Applies `pass` to a layer's units on the stack, where the compiler knows their alignment, as in a network.
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

    /// Returns the instructions of all runs.
    fn count(run: impl Fn()) -> u64 {
        instructions(|| (0..RUNS).for_each(|_| run()))
    }

    /// Prints a model's multiply-adds and activations, the instructions of an evaluation, and the stack of a
    /// sample.
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
