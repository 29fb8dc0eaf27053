//! One seed, and an independent stream of random numbers for each use of it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. Each use has a stream of its own, so that a change of one
/// (another batch size, another split) leaves the others as they were.
///
/// The numbers are part of what makes a run repeatable: they are never reused for another purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Initial weights.
    Weights = 1,
    /// Target samples or the order of the user's rows.
    Target = 2,
    /// Source samples `x_0`.
    Source = 3,
    /// Times `t`.
    Time = 4,
    /// Which rows are held out.
    Split = 5,
    /// Held-out points of a known distribution.
    HeldOut = 6,
    /// The noise of the held-out loss.
    HeldOutSource = 7,
    /// The times of the held-out loss.
    HeldOutTime = 8,
    /// Real data that samples are compared with, and the conditions that they are drawn under.
    Evaluation = 9,
    /// Draws that the scale of a known distribution is estimated from.
    Scale = 10,
    /// Which conditions are dropped.
    LabelDropout = 11,
    /// Where a teacher's pairs begin.
    Pairs = 12,
    /// Which of them come next.
    PairOrder = 13,
    /// The student's initial weights.
    Student = 14,
    /// Source samples that the student's own endpoints begin at.
    OwnSource = 15,
    /// Target samples that they are coupled with.
    OwnTarget = 16,
    /// Where samples of a model begin whose source is not noise.
    Starts = 17,
    /// The starting points that a student's grid is fitted to.
    Grid = 18,
}

/// The generator of `stream` under `seed`.
pub fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}
