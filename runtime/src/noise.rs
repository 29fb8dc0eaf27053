//! Gaussian noise as a pure function of seed, stream and index.

use crate::elementary::normal_quantile;

/// Gaussian noise. Each sample is a pure function of the seed, the stream and the sample's index. So a run
/// can be split into shards, replayed or resumed at any index.
///
/// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) with
/// the key `seed` and the counter `[index low, index high, block, stream]`. [`normal_quantile`] turns each
/// block of four words into four coordinates.
///
/// ```
/// use flowlet::Noise;
///
/// let noise = Noise::new(7);
/// let x: [f32; 2] = noise.sample(1000);
/// assert_eq!(noise.samples(998).nth(2), Some(x));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Noise {
    seed: u64,
    stream: u32,
}

impl Noise {
    /// The noise of `seed`, in stream 0.
    pub const fn new(seed: u64) -> Self {
        Self { seed, stream: 0 }
    }

    /// The noise of the same seed in stream `k`. Streams are independent of each other: a program that needs
    /// noise for two purposes uses two streams. [`Self::new`] gives stream 0.
    ///
    /// ```
    /// use flowlet::Noise;
    ///
    /// let (places, colours) = (Noise::new(7), Noise::new(7).stream(1));
    /// assert_ne!(places.sample::<3>(0), colours.sample::<3>(0));
    /// assert_eq!(colours.stream(0), places);
    /// ```
    pub const fn stream(self, k: u32) -> Self {
        Self { stream: k, ..self }
    }

    /// Returns sample `index`: `D` independent draws from the standard normal distribution.
    pub fn sample<const D: usize>(&self, index: u64) -> [f32; D] {
        let mut x = [0.0; D];
        self.fill(index, &mut x);
        x
    }

    /// Writes sample `index` to `x`, which may have any length.
    pub fn fill(&self, index: u64, x: &mut [f32]) {
        self.fill_with(index, x, normal_quantile);
    }

    /// Writes `quantile` of each of sample `index`'s random words to `x`.
    #[inline(always)]
    pub(crate) fn fill_with<T>(&self, index: u64, x: &mut [T], quantile: impl Fn(u32) -> T) {
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        for (block, x) in (0..).zip(x.chunks_mut(4)) {
            let words = philox([index as u32, (index >> 32) as u32, block, self.stream], key);
            for (x, word) in x.iter_mut().zip(words) {
                *x = quantile(word);
            }
        }
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
    type Item = [f32; D];

    fn next(&mut self) -> Option<[f32; D]> {
        let x = self.noise.sample(self.index);
        self.index = self.index.wrapping_add(1);
        Some(x)
    }

    fn nth(&mut self, n: usize) -> Option<[f32; D]> {
        self.index = self.index.wrapping_add(n as u64);
        self.next()
    }

    /// The iterator is endless.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<const D: usize> core::iter::FusedIterator for Samples<D> {}

/// Philox4x32 with ten rounds. The constants are from the paper.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let first = u64::from(a) * 0xd251_1f53;
        let second = u64::from(c) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ b ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ d ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers are from the tests of Random123, the authors' library.
    #[test]
    fn philox_gives_its_known_answers() {
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([!0; 4], [!0; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn samples_have_known_bits() {
        let x: [f32; 5] = Noise::new(0).sample(0);
        let expected = [0xbe82_fa4f, 0x3f96_bb4f, 0x3f21_53b8, 0x3e88_fdeb, 0x3d2b_4c1f];
        assert_eq!(x.map(f32::to_bits), expected, "{:#010x?}", x.map(f32::to_bits));
    }

    #[test]
    fn streams_have_known_bits_and_stream_0_is_the_default() {
        let bits = |x: [f32; 5]| x.map(f32::to_bits);
        let noise = Noise::new(0);
        assert_eq!(bits(noise.stream(0).sample(0)), bits(noise.sample(0)));
        let found = bits(noise.stream(1).sample(0));
        let words = philox([0, 0, 0, 1], [0, 0]).map(normal_quantile);
        assert_eq!(found[..4], words.map(f32::to_bits));
        let expected = [0xbf6b_60bb, 0xbfb7_f61b, 0x4010_cfe8, 0x3eb0_8b5c, 0x3f90_84d6];
        assert_eq!(found, expected, "{found:#010x?}");
    }

    #[test]
    fn the_samples_iterator_is_endless() {
        assert_eq!(Noise::new(0).samples::<1>(3).size_hint(), (usize::MAX, None));
    }

    #[test]
    fn a_coordinate_does_not_depend_on_the_number_of_coordinates() {
        let (few, many): ([f32; 3], [f32; 9]) = (Noise::new(5).sample(8), Noise::new(5).sample(8));
        assert_eq!(few, many[..3]);
    }

    #[test]
    fn the_iterator_takes_at_most_32_bytes() {
        assert!(size_of::<Samples<64>>() <= 32);
    }

    #[test]
    fn the_moments_are_those_of_the_normal_distribution() {
        const N: usize = 200_000;
        let mut moments = [0.0; 4];
        for [a, b] in Noise::new(3).samples(0).take(N / 2) {
            for x in [f64::from(a), f64::from(b)] {
                let mut power = 1.0;
                for moment in &mut moments {
                    power *= x;
                    *moment += power / N as f64;
                }
            }
        }
        // The expected moment, and √n times its standard error.
        for (moment, (expected, error)) in
            moments.iter().zip([(0.0, 1.0), (1.0, 1.42), (0.0, 3.88), (3.0, 9.8)])
        {
            assert!((moment - expected).abs() < 4.0 * error / (N as f64).sqrt(), "{moments:?}");
        }
    }
}
