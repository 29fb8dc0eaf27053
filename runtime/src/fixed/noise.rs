//! Gaussian noise in whole numbers.

use super::quantile::normal_quantile;

/// [`Noise`](crate::Noise) in whole numbers, in flow units: the same seeds, streams and indices give the float noise
/// within 2⁻¹⁶.
///
/// ```
/// use flowlet::fixed::{Noise, STATE_BITS};
///
/// let [x]: [i32; 1] = Noise::new(7).sample(1000);
/// let [float]: [f32; 1] = flowlet::Noise::new(7).sample(1000);
/// assert!((x as f32 / (1 << STATE_BITS) as f32 - float).abs() < 1.0 / 65536.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Noise(crate::Noise);

impl Noise {
    /// The noise of `seed`, in stream 0.
    pub const fn new(seed: u64) -> Self {
        Self(crate::Noise::new(seed))
    }

    /// The noise of the same seed in stream `k`. Streams are independent of each other. [`Self::new`] gives stream 0.
    pub const fn stream(self, k: u32) -> Self {
        Self(self.0.stream(k))
    }

    /// Returns sample `index`: `D` independent draws from the standard normal distribution.
    pub fn sample<const D: usize>(&self, index: u64) -> [i32; D] {
        let mut x = [0; D];
        self.fill(index, &mut x);
        x
    }

    /// Writes sample `index` to `x`, which may have any length.
    pub fn fill(&self, index: u64, x: &mut [i32]) {
        self.0.fill_with(index, x, normal_quantile);
    }

    /// An endless iterator over the samples from index `start` on.
    pub const fn samples<const D: usize>(&self, start: u64) -> Samples<D> {
        Samples { noise: *self, index: start }
    }
}

/// An endless iterator over samples of noise, from [`Noise::samples`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Samples<const D: usize> {
    noise: Noise,
    /// The index of the next sample.
    pub index: u64,
}

impl<const D: usize> Iterator for Samples<D> {
    type Item = [i32; D];

    fn next(&mut self) -> Option<[i32; D]> {
        let x = self.noise.sample(self.index);
        self.index = self.index.wrapping_add(1);
        Some(x)
    }

    fn nth(&mut self, n: usize) -> Option<[i32; D]> {
        self.index = self.index.wrapping_add(n as u64);
        self.next()
    }

    /// The iterator is endless.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<const D: usize> core::iter::FusedIterator for Samples<D> {}
