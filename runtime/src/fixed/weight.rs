//! The weights between hidden layers: 16, 8 or 4 bits each.

#[cfg(feature = "std")]
use fearless_simd::{Bytes, SimdFrom, i8x32, i16x32, i32x16};

#[cfg(feature = "alloc")]
use super::panel::{byte_index, index};
use super::storage::Half;
use super::storage::Words;
#[cfg(any(feature = "alloc", feature = "std"))]
use super::storage::nibbles;
#[cfg(feature = "alloc")]
use super::storage::{ZERO, stored_4, stored_8, stored_16};
use super::sums::{Form, Form8, Form16, Nibbles, Start, Unit, add_ones, begin, sum_pairs};
#[cfg(feature = "std")]
use super::vectors::Integers;

/// The type of the weights between hidden layers: `i16`, `i8` or [`I4`]. The first and the last layer have `i16`.
///
/// The trait is sealed.
pub trait Weight: sealed::Sealed {}

/// Weights of four bits, two in a byte, for a model with `BYTES` bytes of them: see [`Mlp4`](super::Mlp4).
#[derive(Clone, Copy, Debug)]
pub struct I4<const BYTES: usize>;

/// The groups of a panel, and the weights of an odd last input.
#[cfg(feature = "std")]
type Split<'a, W> = (&'a [<W as sealed::Sealed>::Group], &'a [<W as sealed::Sealed>::Element]);

pub(crate) mod sealed {
    #[cfg(feature = "std")]
    use super::Split;

    /// How weights are stored and multiplied.
    pub trait Sealed: Copy + core::fmt::Debug {
        /// The storage of `L` layers of `H · H` weights.
        type Hidden<const H: usize, const L: usize>: Clone;

        /// What a slice of weights consists of: a weight, or a byte of two.
        type Element: Copy + 'static;

        /// What is added to each stored weight.
        const OFFSET: i32;

        /// All weights, in panels.
        fn elements<const H: usize, const L: usize>(
            hidden: &Self::Hidden<H, L>,
        ) -> &[Self::Element];

        /// The number of elements of one output's weights.
        fn row(inputs: usize) -> usize;

        /// The weights of layers of `width` inputs and outputs in 16 bits, in panels too.
        #[cfg(feature = "alloc")]
        fn widened(
            weights: &[Self::Element],
            width: usize,
        ) -> alloc::borrow::Cow<'_, [super::Half]>;

        /// The weights of a panel of 16 outputs for a pair of inputs.
        #[cfg(feature = "std")]
        type Group: Copy;

        /// Splits a panel of 16 outputs into `pairs` groups and the weights of an odd last input.
        #[cfg(feature = "std")]
        fn groups(panel: &[Self::Element], pairs: usize) -> Option<Split<'_, Self>>;

        /// The weights of a group: two for each output.
        #[cfg(feature = "std")]
        fn pairs<S: crate::fixed::vectors::Integers>(
            vectors: S,
            group: &Self::Group,
        ) -> fearless_simd::i16x32<S>;

        /// The weights of an odd last input.
        #[cfg(feature = "std")]
        fn odd(weights: &[Self::Element]) -> Option<[u16; 16]>;

        /// Sets each sum to its start plus `(weights + OFFSET) · inputs`. `weights` are panels of `P` outputs.
        fn sum<const P: usize>(
            sums: &mut [i32],
            start: super::Start<'_>,
            weights: &[Self::Element],
            inputs: &[super::Unit],
        );
    }
}

impl Weight for i16 {}

impl sealed::Sealed for i16 {
    type Hidden<const H: usize, const L: usize> = Words<[[[Half; H]; H]; L]>;
    type Element = Half;
    const OFFSET: i32 = Form16::OFFSET;

    #[inline(always)]
    fn elements<const H: usize, const L: usize>(hidden: &Words<[[[Half; H]; H]; L]>) -> &[Half] {
        hidden.0.as_flattened().as_flattened()
    }

    #[inline(always)]
    fn row(inputs: usize) -> usize {
        inputs
    }

    #[cfg(feature = "alloc")]
    fn widened(weights: &[Half], _: usize) -> alloc::borrow::Cow<'_, [Half]> {
        weights.into()
    }

    #[cfg(feature = "std")]
    type Group = [i16; 32];

    #[cfg(feature = "std")]
    #[inline(always)]
    fn groups(panel: &[i16], pairs: usize) -> Option<Split<'_, Self>> {
        let (groups, odd) = panel.as_chunks();
        Some((groups.get(..pairs)?, odd))
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn pairs<S: Integers>(vectors: S, group: &Self::Group) -> i16x32<S> {
        i16x32::simd_from(vectors, *group)
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn odd(weights: &[i16]) -> Option<[u16; 16]> {
        Some(weights.first_chunk::<16>()?.map(|weight| weight as u16))
    }

    #[inline(always)]
    fn sum<const P: usize>(sums: &mut [i32], start: Start<'_>, weights: &[Half], inputs: &[Unit]) {
        sum::<Half, Form16, P>(sums, start, weights, inputs);
    }
}

impl Weight for i8 {}

impl sealed::Sealed for i8 {
    type Hidden<const H: usize, const L: usize> = [[[i8; H]; H]; L];
    type Element = i8;
    const OFFSET: i32 = Form8::OFFSET;

    #[inline(always)]
    fn elements<const H: usize, const L: usize>(hidden: &[[[i8; H]; H]; L]) -> &[i8] {
        hidden.as_flattened().as_flattened()
    }

    #[inline(always)]
    fn row(inputs: usize) -> usize {
        inputs
    }

    #[cfg(feature = "alloc")]
    fn widened(weights: &[i8], _: usize) -> alloc::borrow::Cow<'_, [Half]> {
        weights.iter().map(|&weight| stored_16(stored_8(weight).into())).collect()
    }

    #[cfg(feature = "std")]
    type Group = [i8; 32];

    #[cfg(feature = "std")]
    #[inline(always)]
    fn groups(panel: &[i8], pairs: usize) -> Option<Split<'_, Self>> {
        let (groups, odd) = panel.as_chunks();
        Some((groups.get(..pairs)?, odd))
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn pairs<S: Integers>(vectors: S, group: &Self::Group) -> i16x32<S> {
        let (low, high) = vectors.widen_i8x32(i8x32::simd_from(vectors, *group));
        vectors.combine_i16x16(low, high)
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn odd(weights: &[i8]) -> Option<[u16; 16]> {
        Some(weights.first_chunk::<16>()?.map(|weight| i16::from(weight) as u16))
    }

    #[inline(always)]
    fn sum<const P: usize>(sums: &mut [i32], start: Start<'_>, weights: &[i8], inputs: &[Unit]) {
        sum::<i8, Form8, P>(sums, start, weights, inputs);
    }
}

/// [`Sealed::sum`](sealed::Sealed::sum) for weights of whole bytes.
#[inline(always)]
fn sum<T: Copy, F: Form<One = T>, const P: usize>(
    sums: &mut [i32],
    start: Start<'_>,
    weights: &[T],
    inputs: &[Unit],
) {
    let (pairs, last) = inputs.as_chunks::<2>();
    let &[last] = last else {
        return sum_pairs::<F, P>(sums, start, F::pairs(weights), pairs);
    };
    if pairs.is_empty() {
        begin::<F>(sums, start);
        return add_ones::<F>(sums, weights, last);
    }
    // Each panel ends with the weights of the last input.
    let mut weights = weights;
    for (sums, numbers) in
        sums.as_chunks_mut::<P>().0.iter_mut().zip(start.numbers.as_chunks::<P>().0)
    {
        let Some((panel, rest)) = weights.split_at_checked(2 * P * pairs.len()) else { return };
        let Some((ones, rest)) = rest.split_at_checked(P) else { return };
        sum_pairs::<F, P>(sums, Start { numbers, ..start }, F::pairs(panel), pairs);
        add_ones::<F>(sums, ones, last);
        weights = rest;
    }
}

impl<const BYTES: usize> Weight for I4<BYTES> {}

impl<const BYTES: usize> sealed::Sealed for I4<BYTES> {
    type Hidden<const H: usize, const L: usize> = [u8; BYTES];
    type Element = u8;
    const OFFSET: i32 = Nibbles::OFFSET;

    #[inline(always)]
    fn elements<const H: usize, const L: usize>(hidden: &[u8; BYTES]) -> &[u8] {
        hidden
    }

    #[inline(always)]
    fn row(inputs: usize) -> usize {
        inputs.div_ceil(2)
    }

    #[cfg(feature = "alloc")]
    fn widened(weights: &[u8], width: usize) -> alloc::borrow::Cow<'_, [Half]> {
        let row = width.div_ceil(2);
        let mut all = alloc::vec![ZERO; weights.len() / row.max(1) * width];
        let layers = all.chunks_exact_mut((width * width).max(1));
        for (layer, weights) in layers.zip(weights.chunks_exact((width * row).max(1))) {
            for output in 0..width {
                for input in 0..width {
                    let byte = stored_4(weights[byte_index(width, width, output, input)]);
                    layer[index(width, width, output, input)] =
                        stored_16(nibbles(byte)[input % 2] as i16);
                }
            }
        }
        all.into()
    }

    #[cfg(feature = "std")]
    type Group = [u8; 16];

    #[cfg(feature = "std")]
    #[inline(always)]
    fn groups(panel: &[u8], pairs: usize) -> Option<Split<'_, Self>> {
        let (groups, _) = panel.as_chunks();
        Some((groups.get(..pairs)?, panel.get(16 * pairs..)?))
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn pairs<S: Integers>(vectors: S, group: &Self::Group) -> i16x32<S> {
        let bytes = i32x16::simd_from(vectors, group.map(|byte| i32::from(byte as i8)));
        let even = vectors.shr_i32x16(vectors.shl_i32x16(bytes, 28), 28);
        let even = vectors.and_i32x16(even, vectors.splat_i32x16(0xffff));
        let odd = vectors.shl_i32x16(vectors.shr_i32x16(bytes, 4), 16);
        Bytes::bitcast(vectors.or_i32x16(even, odd))
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    fn odd(weights: &[u8]) -> Option<[u16; 16]> {
        Some(weights.first_chunk::<16>()?.map(|byte| nibbles(byte)[0] as u16))
    }

    #[inline(always)]
    fn sum<const P: usize>(sums: &mut [i32], start: Start<'_>, weights: &[u8], inputs: &[Unit]) {
        let (pairs, last) = inputs.as_chunks::<2>();
        let &[last] = last else { return sum_pairs::<Nibbles, P>(sums, start, weights, pairs) };
        let mut weights = weights;
        for (sums, numbers) in
            sums.as_chunks_mut::<P>().0.iter_mut().zip(start.numbers.as_chunks::<P>().0)
        {
            let Some((panel, rest)) = weights.split_at_checked(P * pairs.len()) else { return };
            let Some((ones, rest)) = rest.split_at_checked(P) else { return };
            sum_pairs::<Nibbles, P>(sums, Start { numbers, ..start }, panel, pairs);
            add_ones::<Nibbles>(sums, ones, last);
            weights = rest;
        }
    }
}
