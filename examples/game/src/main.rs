//! A thousand things that a model moves a step per tick, each towards the place of its own input, with rollback: a
//! late input restores a snapshot and replays the ticks since. `game.c` and `Game.cs` are the same game through the C
//! library; all print the same hash.

use flowlet::{Digest, Euler, Mlp, Noise, State};

/// 2 data dimensions, 8 conditions: a place on a ring of eight.
static MODEL: Mlp<2, 8, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../../../weights/8gaussians/model.safetensors"));
static SOLVER: Euler<50> = Euler::UNIFORM;

const THINGS: usize = 1000;

/// The game's state. A snapshot is a copy.
#[derive(Clone)]
struct World {
    tick: u32,
    things: Vec<State<2>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let starts = Noise::new(seed).samples(0).take(THINGS);
        Self { tick: 0, things: starts.map(|x_0| SOLVER.start(x_0)).collect() }
    }

    /// Moves every thing by one step, under the inputs that were known for this tick.
    fn step(&mut self, inputs: &Inputs) {
        let conditions: Vec<[f32; 8]> =
            (0..THINGS).map(|thing| one_hot(inputs.place(thing, self.tick))).collect();
        SOLVER.step_batch(&MODEL, &mut self.things, &conditions);
        self.tick += 1;
    }

    fn hash(&self) -> u64 {
        let mut digest = Digest::new();
        for thing in &self.things {
            digest.update(&thing.x);
        }
        digest.value()
    }
}

/// What the players want: thing k goes to place k mod 8. From tick 25 on, a player sends thing 7 to place 0.
struct Inputs {
    /// Whether that player's input has arrived.
    arrived: bool,
}

impl Inputs {
    fn place(&self, thing: usize, tick: u32) -> usize {
        if self.arrived && thing == 7 && tick >= 25 { 0 } else { thing % 8 }
    }
}

fn one_hot(place: usize) -> [f32; 8] {
    std::array::from_fn(|k| if k == place { 1.0 } else { 0.0 })
}

fn play(mut world: World, until: u32, inputs: &Inputs) -> World {
    while world.tick < until {
        world.step(inputs);
    }
    world
}

fn main() {
    let (predicted, known) = (Inputs { arrived: false }, Inputs { arrived: true });
    let snapshot = play(World::new(7), 25, &predicted);
    // Ten ticks under the predicted input; then the player's own arrives.
    let wrong = play(snapshot.clone(), 35, &predicted);
    let first = play(snapshot.clone(), 35, &known);
    let second = play(snapshot, 35, &known);
    assert_eq!(first.hash(), second.hash(), "two replays differ");
    assert_ne!(first.hash(), wrong.hash(), "the input has no effect");
    println!("{:016x}", play(second, 50, &known).hash());
}
