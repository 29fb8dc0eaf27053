//! The smallest program with the smallest model: one step of `mixture-one-step-i4`, four bits a weight.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::fixed::Euler;
    use image::integers::MIXTURE_4;
    use image::machine::say;

    image::entry!(run);

    #[inline(never)]
    fn sample(x_0: i32) -> i32 {
        let [x] = Euler::<1>::UNIFORM.sample(&MIXTURE_4, [x_0], []);
        x
    }

    fn run() -> bool {
        say("bits", u64::from(sample(black_box(891_290)) as u32));
        true
    }

    image::refuse_panics!();
}

#[cfg(not(target_os = "none"))]
fn main() {}
