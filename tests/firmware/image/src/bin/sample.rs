//! The smallest program that samples: it samples the `mixture` model and prints its own cost. It cannot panic:
//! if code that panics were left in it, the panic handler would call a function that does not exist, and the
//! program would not link.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::Euler;
    use image::cost::evaluation;
    use image::machine::{say, stack};
    use image::models::MIXTURE;

    image::entry!(run);
    image::one_piece!(Mixture, MIXTURE, 1, 0);

    #[inline(never)]
    fn sample(x_0: f32) -> f32 {
        let [x] = Euler::<50>::UNIFORM.sample(&Mixture, [x_0], []);
        x
    }

    fn run() -> bool {
        say("bits", u64::from(sample(black_box(0.85)).to_bits()));
        say("evaluation", evaluation(&Mixture, 0.5, [0.85], [], |x, v| *x += v));
        say("stack", stack(|| _ = black_box(sample(black_box(0.85)))) as u64);
        true
    }

    image::refuse_panics!();
}

#[cfg(not(target_os = "none"))]
fn main() {}
