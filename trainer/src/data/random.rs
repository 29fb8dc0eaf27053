//! Independent streams of random numbers from one seed, one stream for each use.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The use of a stream of random numbers. Each use has its own stream, so that a change of one (another
/// batch size, another split) does not change the numbers of the others.
///
/// The stream numbers below must not be changed or reused: a run would no longer give the same model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Initial weights.
    Weights = 1,
    /// Target samples, or the order of the user's rows.
    Target = 2,
    /// Source samples `x_0`.
    Source = 3,
    /// Times `t`.
    Time = 4,
    /// The choice of the held-out rows.
    Split = 5,
    /// Held-out points of a known distribution.
    HeldOut = 6,
    /// The noise of the held-out loss.
    HeldOutSource = 7,
    /// The times of the held-out loss.
    HeldOutTime = 8,
    /// The real data that samples are compared with, and the conditions of these samples.
    Evaluation = 9,
    /// Draws from which the scale of a known distribution is estimated.
    Scale = 10,
    /// The choice of the dropped conditions.
    LabelDropout = 11,
    /// Starting points of a teacher's pairs.
    Pairs = 12,
    /// The order of a teacher's pairs.
    PairOrder = 13,
    /// The student's initial weights.
    Student = 14,
    /// Starting points of the student's own endpoints.
    OwnSource = 15,
    /// Target samples that the student's own endpoints are coupled with.
    OwnTarget = 16,
    /// Starting points of a model's samples, if its source is not noise.
    Starts = 17,
    /// Starting points from which a student's time grid is fitted.
    Grid = 18,
    /// The batches of an integer model's fine-tuning.
    FineTuning = 19,
    /// The choice of the held-out pairs of another teacher, beside data.
    PairSplit = 20,
}

/// Returns the generator of `stream` for `seed`.
pub fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}

/// Returns `count` of the numbers below `n`, or all if there are fewer, chosen at random, in random order.
///
/// # Panics
///
/// Panics if `n` is 2³² or more.
pub fn choose(n: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    // Half the memory of `usize`.
    let mut all: Vec<u32> = (0..u32::try_from(n).expect("fewer than 2³² rows")).collect();
    all.shuffle(rng);
    all[..count.min(n)].iter().map(|&row| row as usize).collect()
}
