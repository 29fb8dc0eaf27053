//! The smallest program that samples in whole numbers: `sample` with the model `mixture-i16`. It runs with the
//! floating-point unit switched off, so that a float instruction would end it.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::fixed::{Euler, ONE};
    use image::cost::evaluation;
    use image::integers::MIXTURE_16;
    use image::machine::{say, stack, switch_float_unit_off};

    image::entry!(run);
    image::one_piece!(Mixture, MIXTURE_16, 1, 0, i32);

    /// 0.85 with 20 fraction bits.
    const X_0: i32 = 891_290;

    #[inline(never)]
    fn sample(x_0: i32) -> i32 {
        let [x] = Euler::<50>::UNIFORM.sample(&Mixture, [x_0], []);
        x
    }

    fn run() -> bool {
        switch_float_unit_off();
        say("bits", u64::from(sample(black_box(X_0)) as u32));
        let add = |x: &mut i32, v| *x = x.wrapping_add(v);
        say("evaluation", evaluation(&Mixture, ONE / 2, [X_0], [], add));
        say("stack", stack(|| _ = black_box(sample(black_box(X_0)))) as u64);
        true
    }

    image::refuse_panics!();
    image::exit_on_fault!();
}

#[cfg(not(target_os = "none"))]
fn main() {}
