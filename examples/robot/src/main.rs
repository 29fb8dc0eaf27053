//! A robot's arm reaches around an obstacle. `robot frames` writes an expert's episodes as CSV, from which `flowlet train`
//! makes a policy. `robot` plays new episodes with the policies, and measures them.

mod policy;
mod world;

use std::io::{BufWriter, Write, stdout};
use std::time::Instant;

use flowlet::Mlp;
use policy::{Model, PLAN, Policy};
use world::{Expert, FRAMES, World};

static FIFTY_STEPS: Model =
    Mlp::from_safetensors(include_bytes!("../models/fifty-steps.safetensors"));
static ONE_STEP: Model = Mlp::from_safetensors(include_bytes!("../models/one-step.safetensors"));

/// The expert's episodes.
const DEMONSTRATIONS: u64 = 2000;
/// The episodes that a policy is measured in. They begin at other places.
const EPISODES: u64 = 1000;

fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("frames") => frames(),
        _ => {
            measure::<50>("fifty steps", &FIFTY_STEPS, 95.0);
            measure::<1>("one step", &ONE_STEP, 90.0);
            Ok(())
        }
    }
}

/// Writes a row for each frame of the expert's episodes.
fn frames() -> std::io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    writeln!(out, "episode,x,y,goal,dx,dy")?;
    for episode in 0..DEMONSTRATIONS {
        let (mut world, mut expert) = (World::new(episode), Expert::new(episode));
        for _ in 0..FRAMES {
            let [x, y, goal] = world.observe();
            let [dx, dy] = expert.act(world.observe());
            writeln!(out, "{episode},{x},{y},{goal},{dx},{dy}")?;
            world.step([dx, dy]);
        }
    }
    out.flush()
}

/// Plays episodes with a policy of `N` steps.
///
/// # Panics
///
/// Panics if fewer than `least` per cent of them succeed, or fewer than a fifth go one of the ways.
fn measure<const N: usize>(name: &str, model: &'static Model, least: f64) {
    let (mut successes, mut left, mut right) = (0, 0, 0);
    let mut seconds = Vec::new();
    for episode in DEMONSTRATIONS..DEMONSTRATIONS + EPISODES {
        let mut world = World::new(episode);
        let mut policy = Policy::<N>::new(model, episode);
        let begin = Instant::now();
        for _ in 0..FRAMES {
            world.step(policy.act(world.observe()));
        }
        seconds.push(begin.elapsed().as_secs_f64());
        successes += u32::from(world.succeeds());
        left += u32::from(world.left == Some(true));
        right += u32::from(world.left == Some(false));
    }
    // The median, since other programs may interrupt some episodes.
    seconds.sort_by(f64::total_cmp);
    let plan = seconds[seconds.len() / 2] / FRAMES.div_ceil(PLAN) as f64;
    let share = |count: u32| 100.0 * f64::from(count) / EPISODES as f64;
    println!(
        "{name:11}  {:.1} % succeed, {:.1} % go left, {:.1} % right, {:.1} µs a plan",
        share(successes),
        share(left),
        share(right),
        plan * 1e6
    );
    assert!(share(successes) >= least, "{name}: too many episodes fail");
    assert!(share(left.min(right)) >= 20.0, "{name}: a way is lost");
}
