//! The stack of each way into the library, with the `mixture` model in 50 steps; `load` reads the runtime's
//! example. Each is a function of its own, whose name the runner finds to say what code it takes.

use core::hint::black_box;

use flowlet::{Euler, LoadError, Mlp, Noise, SelfTest, Silu, VelocityField};
use image::machine::{println, stack};

type Solver = Euler<50>;
const SOLVER: Solver = Solver::UNIFORM;

/// Points of a batch: as many as are evaluated side by side where there are vectors.
const BATCH: usize = 16;

const SWIRL: &[u8] = include_bytes!("../../../../../../runtime/examples/swirl.safetensors");

static CHECK: SelfTest<1, 0> = SelfTest::from_safetensors(include_bytes!(
    "../../../../../../weights/mixture/model.safetensors"
));

static mut SLOT: Mlp<2, 0, 32, 1, Silu> = Mlp::zero();

/// Says the bytes of stack that each entry point takes.
pub(crate) fn all(field: &impl VelocityField<1, 0>) {
    let x = black_box([0.85]);
    say("noise", || _ = black_box(entry_noise(black_box(7))));
    say("velocity", || _ = black_box(entry_velocity(field, x)));
    say("step", || _ = black_box(entry_step(field, x)));
    say("sample", || _ = black_box(entry_sample(field, x)));
    say("path", || _ = black_box(entry_path(field, x)));
    say("trajectory", || _ = black_box(entry_trajectory(field, x)));
    let mut points = [x; BATCH];
    say("sample_batch", || entry_sample_batch(field, black_box(&mut points)));
    let mut states = [SOLVER.start(x); BATCH];
    say("step_batch", || entry_step_batch(field, black_box(&mut states)));
    say("self_test", || _ = black_box(entry_self_test(field)));
    // SAFETY: this program has one thread, and nothing else uses the slot.
    if let Some(slot) = unsafe { (&raw mut SLOT).as_mut() } {
        say("load", || _ = black_box(entry_load(slot, black_box(SWIRL))));
    }
}

fn say(name: &str, entry: impl FnOnce()) {
    println!("entry {name} {}", stack(entry));
}

#[inline(never)]
fn entry_noise(index: u64) -> [f32; 1] {
    Noise::new(7).sample(index)
}

#[inline(never)]
fn entry_velocity(field: &impl VelocityField<1, 0>, x: [f32; 1]) -> [f32; 1] {
    field.velocity(black_box(0.5), x, [])
}

#[inline(never)]
fn entry_step(field: &impl VelocityField<1, 0>, x: [f32; 1]) -> [f32; 1] {
    let mut state = SOLVER.start(x);
    SOLVER.step(field, &mut state, []);
    state.x
}

#[inline(never)]
fn entry_sample(field: &impl VelocityField<1, 0>, x: [f32; 1]) -> [f32; 1] {
    SOLVER.sample(field, x, [])
}

#[inline(never)]
fn entry_path(field: &impl VelocityField<1, 0>, x: [f32; 1]) -> f32 {
    SOLVER.path(field, x, []).map(|(t, [x])| t * x).sum()
}

#[inline(never)]
fn entry_trajectory(field: &impl VelocityField<1, 0>, x: [f32; 1]) -> impl AsRef<[[f32; 1]]> {
    SOLVER.trajectory::<1, 0, 51>(field, x, [])
}

#[inline(never)]
fn entry_sample_batch(field: &impl VelocityField<1, 0>, x: &mut [[f32; 1]; BATCH]) {
    SOLVER.sample_batch(field, x, &[[]]);
}

#[inline(never)]
fn entry_step_batch(field: &impl VelocityField<1, 0>, states: &mut [flowlet::State<1>; BATCH]) {
    SOLVER.step_batch(field, states, &[[]]);
}

#[inline(never)]
fn entry_self_test(field: &impl VelocityField<1, 0>) -> bool {
    CHECK.run(field).is_ok()
}

#[inline(never)]
fn entry_load(slot: &mut Mlp<2, 0, 32, 1, Silu>, bytes: &[u8]) -> Result<(), LoadError> {
    slot.load(bytes)
}
