//! The weights between hidden layers: 16, 8 or 4 bits each.

#[cfg(feature = "std")]
use fearless_simd::{Bytes, SimdFrom, i8x32, i16x32, i32x16};

use super::panel::pairs;
#[cfg(feature = "alloc")]
use super::panel::{byte_index, index};
#[cfg(feature = "std")]
use super::vectors::Integers;
use crate::registers::DSP;

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

        /// All weights, in panels.
        fn elements<const H: usize, const L: usize>(
            hidden: &Self::Hidden<H, L>,
        ) -> &[Self::Element];

        /// The number of elements of one output's weights.
        fn row(inputs: usize) -> usize;

        /// The weights of layers of `width` inputs and outputs in 16 bits, in panels too.
        #[cfg(feature = "alloc")]
        fn widened(weights: &[Self::Element], width: usize) -> alloc::borrow::Cow<'_, [i16]>;

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

        /// Adds `weights · inputs` to each sum. `weights` is a panel of `P` outputs.
        fn add<const P: usize>(sums: &mut [i32; P], weights: &[Self::Element], inputs: &[i16]);
    }
}

macro_rules! weight {
    (@widened same, $weights:ident) => {
        $weights.into()
    };
    (@widened narrow, $weights:ident) => {
        $weights.iter().map(|&weight| i16::from(weight)).collect()
    };
    (@pairs same, $vectors:ident, $group:ident) => {
        i16x32::simd_from($vectors, *$group)
    };
    (@pairs narrow, $vectors:ident, $group:ident) => {{
        let (low, high) = $vectors.widen_i8x32(i8x32::simd_from($vectors, *$group));
        $vectors.combine_i16x16(low, high)
    }};
    ($type:ty, $form:ident) => {
        impl Weight for $type {}

        impl sealed::Sealed for $type {
            type Hidden<const H: usize, const L: usize> = [[[$type; H]; H]; L];
            type Element = $type;

            #[inline(always)]
            fn elements<const H: usize, const L: usize>(hidden: &Self::Hidden<H, L>) -> &[$type] {
                hidden.as_flattened().as_flattened()
            }

            #[inline(always)]
            fn row(inputs: usize) -> usize {
                inputs
            }

            #[cfg(feature = "alloc")]
            fn widened(weights: &[$type], _: usize) -> alloc::borrow::Cow<'_, [i16]> {
                weight!(@widened $form, weights)
            }

            #[cfg(feature = "std")]
            type Group = [$type; 32];

            #[cfg(feature = "std")]
            #[inline(always)]
            fn groups(panel: &[$type], pairs: usize) -> Option<Split<'_, Self>> {
                let (groups, odd) = panel.as_chunks();
                Some((groups.get(..pairs)?, odd))
            }

            #[cfg(feature = "std")]
            #[inline(always)]
            fn pairs<S: Integers>(vectors: S, group: &Self::Group) -> i16x32<S> {
                weight!(@pairs $form, vectors, group)
            }

            #[cfg(feature = "std")]
            #[inline(always)]
            fn odd(weights: &[$type]) -> Option<[u16; 16]> {
                Some(weights.first_chunk::<16>()?.map(|weight| i16::from(weight) as u16))
            }

            #[inline(always)]
            fn add<const P: usize>(sums: &mut [i32; P], weights: &[$type], inputs: &[i16]) {
                let (inputs, last) = inputs.as_chunks::<2>();
                let (weights, rest) = pairs::<_, P>(weights, inputs.len());
                for (weights, inputs) in weights.iter().zip(inputs) {
                    let [even, odd] = split(*inputs);
                    for (sum, pair) in sums.iter_mut().zip(weights) {
                        let [weight, next] = split(*pair);
                        *sum = sum.wrapping_add(weight * even).wrapping_add(next * odd);
                    }
                }
                for &input in last {
                    for (sum, &weight) in sums.iter_mut().zip(rest) {
                        *sum = sum.wrapping_add(i32::from(weight) * i32::from(input));
                    }
                }
            }
        }
    };
}

weight!(i16, same);
weight!(i8, narrow);

impl<const BYTES: usize> Weight for I4<BYTES> {}

impl<const BYTES: usize> sealed::Sealed for I4<BYTES> {
    type Hidden<const H: usize, const L: usize> = [u8; BYTES];
    type Element = u8;

    #[inline(always)]
    fn elements<const H: usize, const L: usize>(hidden: &[u8; BYTES]) -> &[u8] {
        hidden
    }

    #[inline(always)]
    fn row(inputs: usize) -> usize {
        inputs.div_ceil(2)
    }

    #[cfg(feature = "alloc")]
    fn widened(weights: &[u8], width: usize) -> alloc::borrow::Cow<'_, [i16]> {
        let row = width.div_ceil(2);
        let mut all = alloc::vec![0; weights.len() / row.max(1) * width];
        let layers = all.chunks_exact_mut((width * width).max(1));
        for (layer, weights) in layers.zip(weights.chunks_exact((width * row).max(1))) {
            for output in 0..width {
                for input in 0..width {
                    let byte = weights[byte_index(width, width, output, input)];
                    layer[index(width, width, output, input)] = nibbles(byte)[input % 2] as i16;
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
    fn add<const P: usize>(sums: &mut [i32; P], weights: &[u8], inputs: &[i16]) {
        let (inputs, last) = inputs.as_chunks::<2>();
        let (panels, rest) = weights.as_chunks::<P>();
        for (weights, &[even, odd]) in panels.iter().zip(inputs) {
            let (even, odd) = (i32::from(even), i32::from(odd));
            for (sum, &byte) in sums.iter_mut().zip(weights) {
                let [weight, next] = nibbles(byte);
                *sum = sum.wrapping_add(weight * even).wrapping_add(next * odd);
            }
        }
        debug_assert!(rest.is_empty());
        if let (&[input], Some(weights)) = (last, panels.get(inputs.len())) {
            for (sum, &byte) in sums.iter_mut().zip(weights) {
                *sum = sum.wrapping_add(nibbles(byte)[0] * i32::from(input));
            }
        }
    }
}

/// The two numbers of a pair. A core with instructions for the halves of a word loads both at once.
#[inline(always)]
fn split<T: Copy + Into<i32>>([even, odd]: [T; 2]) -> [i32; 2] {
    if size_of::<T>() == 2 && DSP {
        let word = (even.into() & 0xffff) | (odd.into() << 16);
        [(word << 16) >> 16, word >> 16]
    } else {
        [even.into(), odd.into()]
    }
}

/// The two weights of a byte, from −8 to 7, the low four bits first.
#[inline(always)]
pub(crate) const fn nibbles(byte: u8) -> [i32; 2] {
    let byte = byte as i8 as i32;
    [(byte << 28) >> 28, byte >> 4]
}
