//! Instructions for a number of an activation.

use core::hint::black_box;

use flowlet::{Activation, Gelu, Mlp, VelocityField};
use image::machine::{instructions, println};

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
pub(super) fn activation<A: Activation>() {
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
