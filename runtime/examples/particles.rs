//! A game loop: 64 particles move from noise to a spiral, one solver step per frame.
//!
//! ```sh
//! cargo run -p flowlet --example particles
//! ```
//!
//! All players with the same seed get the same bits. This command trained the model:
//! `flowlet train swissroll --hidden-width 32 --activation silu --steps 60 --iterations 20000`.

use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::Duration;

use flowlet::{Euler, Mlp, Noise, Silu, State, VelocityField};

/// 2 data dimensions, 0 conditions, 32 wide, 1 hidden-to-hidden layer: 5 kB of weights.
static SWIRL: Mlp<2, 0, 32, 1, Silu> = Mlp::from_safetensors(include_bytes!("swirl.safetensors"));

/// One step per frame: at 60 frames per second, noise becomes data in one second.
static SOLVER: Euler<STEPS> = Euler::UNIFORM;
const STEPS: usize = 60;

const PARTICLES: usize = 64;
const COLUMNS: usize = 72;
const ROWS: usize = 28;

fn main() -> io::Result<()> {
    // The states are all that a game has to save, send or roll back.
    let mut particles: Vec<State<2>> =
        Noise::new(2).samples(0).take(PARTICLES).map(|x| SOLVER.start(x)).collect();
    let mut out = io::stdout().lock();
    let animate = out.is_terminal();
    for frame in 0..=STEPS {
        // Without a terminal, print only the first frame, the middle one and the last.
        if animate || frame % (STEPS / 2) == 0 {
            if animate && frame > 0 {
                write!(out, "\x1b[{}A", ROWS + 1)?;
            }
            out.write_all(draw(&particles, frame, animate).as_bytes())?;
            out.flush()?;
        }
        if animate {
            sleep(Duration::from_millis(33));
        }
        // Stepping all particles together is several times as fast as one by one. After the last step, they
        // do not change.
        SOLVER.step_batch(&SWIRL, &mut particles, &[[]]);
    }
    Ok(())
}

fn draw(particles: &[State<2>], frame: usize, animate: bool) -> String {
    let mut screen = [[' '; COLUMNS]; ROWS];
    for particle in particles {
        let [x, y] = SWIRL.to_data_units(particle.x);
        // The spiral extends from −3 to 3. A character is twice as high as wide.
        let column = (x / 3.2 + 1.0) * 0.5 * COLUMNS as f32;
        let row = (1.0 - y / 3.2) * 0.5 * ROWS as f32;
        let inside = column >= 0.0 && row >= 0.0;
        if let Some(place) =
            screen.get_mut(row as usize).and_then(|row| row.get_mut(column as usize))
            && inside
        {
            *place = '●';
        }
    }
    let mut text = format!("step {frame:2} of {STEPS}\n");
    for row in screen {
        text.push_str(row.iter().collect::<String>().trim_end());
        // Clears the rest of the line, where the previous frame may have printed.
        text.push_str(if animate { "\x1b[K\n" } else { "\n" });
    }
    text
}
