//! The smallest program that samples: the `mixture` model, a few words about itself, and no way to
//! panic. If one were left, its handler would call a function that does not exist, and the program
//! would not link.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::{Euler, VelocityField};
    use image::machine::{instructions, say, stack};
    use image::models::MIXTURE;

    image::entry!(run);

    /// The model, whose evaluation is one piece of code, as in firmware that samples in one place.
    struct Mixture;

    impl VelocityField<1, 0> for Mixture {
        #[inline(never)]
        fn velocity(&self, t: f32, x: [f32; 1], _: [f32; 0]) -> [f32; 1] {
            MIXTURE.velocity(t, x, [])
        }

        fn to_data_units(&self, x: [f32; 1]) -> [f32; 1] {
            MIXTURE.to_data_units(x)
        }
    }

    #[inline(never)]
    fn sample(x_0: f32) -> f32 {
        let [x] = Euler::<50>::UNIFORM.sample(&Mixture, [x_0], []);
        x
    }

    fn run() -> bool {
        let mut x = 0.0;
        let evaluate = |x| {
            let [v] = Mixture.velocity(black_box(0.5), [black_box(x)], []);
            x + v
        };
        let evaluation = instructions(|| x = evaluate(0.85));
        let calls = instructions(|| {
            for _ in 0..EVALUATIONS {
                x = evaluate(x);
            }
        });
        say("bits", u64::from(sample(black_box(0.85)).to_bits()));
        say("evaluation", evaluation.min(calls / EVALUATIONS));
        say("stack", stack(|| x = sample(black_box(x))) as u64);
        black_box(x);
        true
    }

    const EVALUATIONS: u64 = 8;

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        unsafe extern "C" {
            fn flowlet_has_a_way_to_panic() -> !;
        }
        // SAFETY: never linked.
        unsafe { flowlet_has_a_way_to_panic() }
    }
}

#[cfg(not(target_os = "none"))]
fn main() {}
