//! The smallest program that samples in whole numbers, with the `mixture` model in 16 bits a weight: as `sample`, and it
//! contains no float.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::fixed::{Euler, Mlp, ONE};
    use image::cost::evaluation;
    use image::machine::{say, stack};

    static MIXTURE: Mlp<1, 0, 64, 1> = Mlp::from_safetensors(include_bytes!(
        "../../../../../weights/mixture-i16/model.safetensors"
    ));

    image::entry!(run);
    image::one_piece!(Mixture, MIXTURE, 1, 0, i32);

    #[inline(never)]
    fn sample(x_0: i32) -> i32 {
        let [x] = Euler::<50>::UNIFORM.sample(&Mixture, [x_0], []);
        x
    }

    /// 0.85, as in `sample`.
    const X_0: i32 = 891_290;

    fn run() -> bool {
        say("bits", u64::from(sample(black_box(X_0)) as u32));
        say("evaluation", evaluation(&Mixture, ONE / 2, [X_0], []));
        say("stack", stack(|| _ = black_box(sample(black_box(X_0)))) as u64);
        true
    }

    image::refuse_panics!();
}

#[cfg(not(target_os = "none"))]
fn main() {}
