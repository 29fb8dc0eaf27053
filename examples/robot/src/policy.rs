//! The policy: it plans some actions, takes them, and plans again. This file needs neither `std` nor a heap.

use flowlet::{Euler, Mlp, Noise};

use crate::world::{Action, Observation};

/// The actions of a plan: `--window` of the training.
pub const PLAN: usize = 8;

/// 8 actions of 2 numbers; 2 observations of 3 numbers; 96 units in each of 3 layers.
pub type Model = Mlp<{ PLAN * 2 }, 6, 96, 2>;

/// The plan in hand, and what the next one needs. `N` is the number of solver steps.
pub struct Policy<const N: usize> {
    model: &'static Model,
    solver: Euler<N>,
    noise: Noise,
    plans: u64,
    plan: [f32; PLAN * 2],
    /// The actions of the plan that have been taken.
    taken: usize,
    before: Option<Observation>,
}

impl<const N: usize> Policy<N> {
    /// A policy at the start of an episode. Each seed gives other plans.
    pub fn new(model: &'static Model, seed: u64) -> Self {
        Self {
            model,
            solver: Euler::UNIFORM,
            noise: Noise::new(seed),
            plans: 0,
            plan: [0.0; PLAN * 2],
            taken: PLAN,
            before: None,
        }
    }

    /// Returns the action for this frame. Plans when the last plan has been carried out.
    pub fn act(&mut self, now: Observation) -> Action {
        // The first frame is repeated, as in the training.
        let before = self.before.replace(now).unwrap_or(now);
        if self.taken == PLAN {
            self.plan = self.plan(before, now);
            self.taken = 0;
        }
        let action = [self.plan[self.taken * 2], self.plan[self.taken * 2 + 1]];
        self.taken += 1;
        action
    }

    /// Returns a new plan, from the last two observations.
    fn plan(&mut self, before: Observation, now: Observation) -> [f32; PLAN * 2] {
        let x_0 = self.noise.sample(self.plans);
        self.plans += 1;
        let condition = [before[0], before[1], before[2], now[0], now[1], now[2]];
        self.solver.sample(self.model, x_0, condition)
    }
}
