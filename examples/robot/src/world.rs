//! The task: an arm's tip moves in a plane, from the left to a goal on the right, around an obstacle between them. Lengths
//! are in metres, a frame is a tenth of a second.

use flowlet::Noise;

/// What the robot sees: the tip's x and y, and the goal's y.
pub type Observation = [f32; 3];
/// What it does: how far the tip moves in a frame, along x and y.
pub type Action = [f32; 2];

/// The frames of an episode.
pub const FRAMES: usize = 48;
/// The obstacle is a disc around the origin.
const OBSTACLE: f32 = 0.25;
/// The furthest that the tip moves in a frame.
const SPEED: f32 = 0.08;
/// The tip has reached the goal within this distance.
const NEAR: f32 = 0.1;

/// Where the tip is, and where it should go.
pub struct World {
    tip: [f32; 2],
    goal: [f32; 2],
    /// Whether the tip has touched the obstacle.
    hit: bool,
    /// Where the tip passed the obstacle: above it (left, as it goes) or below it.
    pub left: Option<bool>,
}

impl World {
    /// The world at the start of an episode.
    pub fn new(episode: u64) -> Self {
        let [start, goal] = Noise::new(1).sample(episode);
        let within = |y: f32| (0.15 * y).clamp(-0.3, 0.3);
        Self { tip: [-1.0, within(start)], goal: [1.0, within(goal)], hit: false, left: None }
    }

    pub fn observe(&self) -> Observation {
        [self.tip[0], self.tip[1], self.goal[1]]
    }

    /// Moves the tip, not further than it can go.
    pub fn step(&mut self, action: Action) {
        let before = self.tip[0];
        for (place, step) in self.tip.iter_mut().zip(action) {
            *place += step.clamp(-SPEED, SPEED);
        }
        let [x, y] = self.tip;
        if before < 0.0 && x >= 0.0 {
            self.left = Some(y > 0.0);
        }
        self.hit |= x * x + y * y < OBSTACLE * OBSTACLE;
    }

    /// Whether the tip is at the goal and has not touched the obstacle.
    pub fn succeeds(&self) -> bool {
        let (x, y) = (self.goal[0] - self.tip[0], self.goal[1] - self.tip[1]);
        !self.hit && x * x + y * y < NEAR * NEAR
    }
}

/// The expert of the demonstrations. It passes the obstacle on either side, by a coin, and its hand trembles.
pub struct Expert {
    left: bool,
    tremble: Noise,
    frame: u64,
}

impl Expert {
    pub fn new(episode: u64) -> Self {
        let [coin] = Noise::new(2).sample::<1>(episode);
        Self { left: coin > 0.0, tremble: Noise::new(episode).stream(3), frame: 0 }
    }

    pub fn act(&mut self, [x, y, goal]: Observation) -> Action {
        let beside = [SPEED, if self.left { 0.55 } else { -0.55 }];
        let target = if x < 0.0 { beside } else { [1.0, goal] };
        let way = [target[0] - x, target[1] - y];
        let distance = (way[0] * way[0] + way[1] * way[1]).sqrt();
        let speed = (SPEED * 0.9).min(distance) / distance.max(1e-6);
        let tremble: [f32; 2] = self.tremble.sample(self.frame);
        self.frame += 1;
        [way[0] * speed + 0.008 * tremble[0], way[1] * speed + 0.008 * tremble[1]]
    }
}
