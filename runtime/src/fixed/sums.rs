//! The kernels: the sums of a panel's outputs, side by side in registers.
//!
//! The additions may be in any order, since a sum is exact in 32 bits. A sum that wraps on its way is exact in the end.
//!
//! Each output has a variable of its own and a line of code of its own: a loop over them would keep them in memory where
//! the compiler does not unroll it, as at opt-level s. How many outputs stand side by side, and how many inputs a pass of
//! the loop takes, was measured on each core: LLVM moves loads ahead of products, and has few registers to put them in. On a
//! RISC-V `black_box(())` keeps each load where it is. On a Cortex-M it makes the compiler group all loads before all
//! products, which is slower than without it.

use core::hint::black_box;
use core::marker::PhantomData;

use super::panel::PANEL;
use super::storage::{Half, UNSIGNED_4, nibbles};
use crate::registers::{ASSEMBLY, RISC_V};

/// A layer's unit, or another input of a layer, in the buffers of an evaluation. A Cortex-M0 takes two instructions to
/// load one of 16 bits.
#[cfg(not(all(target_arch = "arm", not(target_has_atomic = "32"))))]
pub(crate) type Unit = i16;
#[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
pub(crate) type Unit = i32;

/// An input as a number of 32 bits.
#[allow(clippy::unnecessary_cast, reason = "it is of 32 bits already on a Cortex-M0")]
#[inline(always)]
pub(crate) fn wide(input: Unit) -> i32 {
    input as i32
}

/// How the products of weights and inputs are computed.
pub(crate) trait Form: Sized {
    /// The weight of one output for one input.
    type One: Copy;
    /// The weights of one output for two inputs.
    type Pair: Copy;
    /// Two inputs, as the products need them.
    type Inputs: Copy;

    /// What is added to each stored weight.
    const OFFSET: i32;

    /// Pairs of weights.
    fn pairs(weights: &[Self::One]) -> &[Self::Pair];

    /// Prepares two inputs.
    fn prepare(inputs: &[Unit; 2]) -> Self::Inputs;

    /// `sum` and the two products.
    fn add(sum: i32, weights: &Self::Pair, inputs: Self::Inputs) -> i32;

    /// `sum` and one product.
    fn add_one(sum: i32, weight: Self::One, input: Unit) -> i32;

    /// [`sum_pairs`] with the feature `assembly`, which has no assembly for all forms.
    #[inline(always)]
    fn sum_panels(
        sums: &mut [i32],
        start: Start<'_>,
        weights: &[Self::Pair],
        inputs: &[[Unit; 2]],
    ) {
        panels_of_4::<Self>(sums.as_chunks_mut().0, start, weights.as_chunks().0, inputs);
    }
}

/// Each weight is loaded on its own, as a number of type `N`.
pub(crate) struct Plain<T, N>(PhantomData<(T, N)>);

macro_rules! plain {
    ($type:ty, $number:ty $(, $assembly:ident)?) => {
        impl Form for Plain<$type, $number> {
            type One = $type;
            type Pair = [$type; 2];
            type Inputs = [Unit; 2];

            /// Half of the range of numbers without a sign.
            const OFFSET: i32 = <$number>::MAX as i32 - <$type>::MAX as i32;

            #[inline(always)]
            fn pairs(weights: &[$type]) -> &[[$type; 2]] {
                weights.as_chunks().0
            }

            #[inline(always)]
            fn prepare([even, odd]: &[Unit; 2]) -> [Unit; 2] {
                [*even, *odd]
            }

            #[inline(always)]
            fn add(sum: i32, [even, odd]: &[$type; 2], inputs: [Unit; 2]) -> i32 {
                Self::add_one(Self::add_one(sum, *even, inputs[0]), *odd, inputs[1])
            }

            #[inline(always)]
            fn add_one(sum: i32, weight: $type, input: Unit) -> i32 {
                sum.wrapping_add(i32::from(weight as $number).wrapping_mul(wide(input)))
            }

            $(
                #[cfg(all(feature = "assembly", target_os = "none"))]
                #[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
                #[inline(always)]
                fn sum_panels(
                    sums: &mut [i32],
                    start: Start<'_>,
                    weights: &[[$type; 2]],
                    inputs: &[[Unit; 2]],
                ) {
                    let start = (start.numbers.as_chunks().0, start.excess);
                    let (sums, weights) = (sums.as_chunks_mut().0, weights.as_chunks().0);
                    flowlet_assembly::thumb::$assembly(sums, start, weights, inputs);
                }
            )?
        }
    };
}

plain!(i16, i16);
plain!(i8, i8);
plain!(i16, u16, sum_16);
plain!(i8, u8, sum_8);

/// Pairs are loaded as words, for cores that multiply the halves of words: a Cortex-M with an FPU counts as one, because
/// stable Rust does not tell.
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) struct Halves;

#[cfg(all(target_abi = "eabihf", target_os = "none"))]
impl Form for Halves {
    type One = [u8; 2];
    type Pair = [u8; 4];
    type Inputs = [Unit; 2];

    const OFFSET: i32 = 0;

    #[inline(always)]
    fn pairs(weights: &[[u8; 2]]) -> &[[u8; 4]] {
        weights.as_flattened().as_chunks().0
    }

    #[inline(always)]
    fn prepare([even, odd]: &[Unit; 2]) -> [Unit; 2] {
        [*even, *odd]
    }

    #[inline(always)]
    fn add(sum: i32, weights: &[u8; 4], inputs: [Unit; 2]) -> i32 {
        let word = i32::from_le_bytes(*weights);
        sum.wrapping_add(i32::from(word as i16) * i32::from(inputs[0]))
            .wrapping_add((word >> 16) * i32::from(inputs[1]))
    }

    #[inline(always)]
    fn add_one(sum: i32, weight: [u8; 2], input: Unit) -> i32 {
        sum.wrapping_add(i32::from(i16::from_le_bytes(weight)) * i32::from(input))
    }

    #[cfg(feature = "assembly")]
    #[inline(always)]
    fn sum_panels(sums: &mut [i32], start: Start<'_>, weights: &[[u8; 4]], inputs: &[[Unit; 2]]) {
        let (sums, numbers) = (sums.as_chunks_mut().0, start.numbers.as_chunks().0);
        flowlet_assembly::dsp::sum(sums, numbers, weights.as_chunks().0, inputs);
    }
}

/// The form of weights of 16 bits.
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) type Form16 = Halves;
#[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
pub(crate) type Form16 = Plain<i16, u16>;
#[cfg(not(any(
    all(target_abi = "eabihf", target_os = "none"),
    all(target_arch = "arm", not(target_has_atomic = "32"))
)))]
pub(crate) type Form16 = Plain<i16, i16>;

/// The form of weights of 8 bits.
#[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
pub(crate) type Form8 = Plain<i8, u8>;
#[cfg(not(all(target_arch = "arm", not(target_has_atomic = "32"))))]
pub(crate) type Form8 = Plain<i8, i8>;

/// A byte holds two weights, from 0 to 15 if they are [unsigned](UNSIGNED_4).
pub(crate) struct Nibbles;

impl Form for Nibbles {
    type One = u8;
    type Pair = u8;
    type Inputs = [i32; 2];

    const OFFSET: i32 = if UNSIGNED_4 { 1 << 3 } else { 0 };

    #[inline(always)]
    fn pairs(weights: &[u8]) -> &[u8] {
        weights
    }

    /// The even input, and the odd one less 16 times the even one: the byte times the first plus its high bits times the
    /// second are the sum of the products.
    #[inline(always)]
    fn prepare([even, odd]: &[Unit; 2]) -> [i32; 2] {
        let (even, odd) = (wide(*even), wide(*odd));
        [even, odd.wrapping_sub(even << 4)]
    }

    #[inline(always)]
    fn add(sum: i32, byte: &u8, inputs: [i32; 2]) -> i32 {
        if !UNSIGNED_4 {
            let ([even, odd], [x, rest]) = (nibbles(*byte), inputs);
            return sum.wrapping_add(even * x).wrapping_add(odd * (rest + (x << 4)));
        }
        let byte = i32::from(*byte);
        sum.wrapping_add(byte.wrapping_mul(inputs[0]))
            .wrapping_add((byte >> 4).wrapping_mul(inputs[1]))
    }

    #[inline(always)]
    fn add_one(sum: i32, byte: u8, input: Unit) -> i32 {
        let weight = if UNSIGNED_4 { i32::from(byte & 15) } else { nibbles(byte)[0] };
        sum.wrapping_add(weight.wrapping_mul(wide(input)))
    }

    #[cfg(all(feature = "assembly", target_os = "none"))]
    #[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
    #[inline(always)]
    fn sum_panels(sums: &mut [i32], start: Start<'_>, weights: &[u8], inputs: &[[Unit; 2]]) {
        let start = (start.numbers.as_chunks().0, start.excess);
        let (sums, weights) = (sums.as_chunks_mut().0, weights.as_chunks().0);
        flowlet_assembly::thumb::sum_4(sums, start, weights, inputs);
    }
}

/// Defines a kernel for panels of `$count` outputs whose loop takes `$pairs` pairs of inputs in a pass.
macro_rules! kernel {
    (@pair $input:ident $weights:ident [$($sum:ident $weight:ident),+]) => {
        let inputs = F::prepare($input);
        let [$($weight),+] = $weights;
        $(
            $sum = F::add($sum, $weight, inputs);
            if RISC_V {
                // The compiler moves no load across it, and it is no instruction.
                black_box(());
            }
        )+
    };
    ($name:ident, $count:literal $outputs:tt, $pairs:literal [$($input:ident $weights:ident),+]) => {
        fn $name<F: Form>(
            sums: &mut [[i32; $count]],
            start: Start<'_>,
            weights: &[[F::Pair; $count]],
            inputs: &[[Unit; 2]],
        ) {
            kernel!(@body sums start weights inputs $count $outputs $outputs, $pairs [$($input $weights),+]);
        }
    };
    (
        @body $sums:ident $start:ident $weights_in:ident $inputs:ident $count:literal [$($sum:ident $weight:ident),+] $outputs:tt,
        $pairs:literal [$($input:ident $weights:ident),+]
    ) => {
        let (groups, more_inputs) = $inputs.as_chunks::<$pairs>();
        let mut weights = $weights_in;
        for (sums, start) in $sums.iter_mut().zip($start.numbers.as_chunks::<$count>().0) {
            let [$($sum),+] = *start;
            $(let mut $sum = $sum.wrapping_sub($start.excess::<F>());)+
            if RISC_V {
                let Some((panel, rest)) = weights.split_at_checked($pairs * groups.len()) else {
                    return;
                };
                weights = rest;
                let panel = panel.as_chunks::<$pairs>().0;
                for ([$($input),+], [$($weights),+]) in groups.iter().zip(panel) {
                    $(kernel!(@pair $input $weights $outputs);)+
                }
            } else {
                for [$($input),+] in groups {
                    let Some(([$($weights),+], rest)) = weights.split_first_chunk::<$pairs>() else {
                        return;
                    };
                    weights = rest;
                    $(kernel!(@pair $input $weights $outputs);)+
                }
            }
            for input in more_inputs {
                let Some((pairs, rest)) = weights.split_first() else { return };
                weights = rest;
                kernel!(@pair input pairs $outputs);
            }
            *sums = [$($sum),+];
        }
    };
}

kernel!(
    panels_of_1, 1 [s_0 w_0], 8
    [x_0 p_0, x_1 p_1, x_2 p_2, x_3 p_3, x_4 p_4, x_5 p_5, x_6 p_6, x_7 p_7]
);

// Beside the assembly for weights of 16 bits.
kernel!(
    panels_of_4, 4 [s_0 w_0, s_1 w_1, s_2 w_2, s_3 w_3], 4
    [x_0 p_0, x_1 p_1, x_2 p_2, x_3 p_3]
);

macro_rules! eight {
    ($pairs:literal $inputs:tt) => {
        kernel!(
            panels_of_8, 8
            [s_0 w_0, s_1 w_1, s_2 w_2, s_3 w_3, s_4 w_4, s_5 w_5, s_6 w_6, s_7 w_7], $pairs $inputs
        );
    };
}
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
eight!(4 [x_0 p_0, x_1 p_1, x_2 p_2, x_3 p_3]);
#[cfg(not(all(target_abi = "eabihf", target_os = "none")))]
eight!(2 [x_0 p_0, x_1 p_1]);

/// A kernel for panels of any width, which the compiler turns into vectors.
fn panels_of<F: Form, const P: usize>(
    sums: &mut [[i32; P]],
    start: Start<'_>,
    mut weights: &[[F::Pair; P]],
    inputs: &[[Unit; 2]],
) {
    for (sums, numbers) in sums.iter_mut().zip(start.numbers.as_chunks::<P>().0) {
        let Some((panel, rest)) = weights.split_at_checked(inputs.len()) else { return };
        weights = rest;
        *sums = numbers.map(|number| number.wrapping_sub(start.excess::<F>()));
        for (pairs, input) in panel.iter().zip(inputs) {
            let input = F::prepare(input);
            for (sum, pair) in sums.iter_mut().zip(pairs) {
                *sum = F::add(*sum, pair, input);
            }
        }
    }
}

/// What sums begin with: `numbers`, one for each sum, less `excess`, which the weights' offset adds to each.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    pub(crate) numbers: &'a [i32],
    pub(crate) excess: i32,
}

impl Start<'_> {
    /// The excess, which the compiler knows to be 0 for weights without an offset.
    #[inline(always)]
    fn excess<F: Form>(&self) -> i32 {
        if F::OFFSET == 0 { 0 } else { self.excess }
    }
}

/// Sets the sums of panels of `P` outputs to their start plus the products of pairs of weights and pairs of inputs.
#[inline(never)]
pub(crate) fn sum_pairs<F: Form, const P: usize>(
    sums: &mut [i32],
    start: Start<'_>,
    weights: &[F::Pair],
    inputs: &[[Unit; 2]],
) {
    match P {
        PANEL if ASSEMBLY => F::sum_panels(sums, start, weights, inputs),
        1 => panels_of_1::<F>(sums.as_chunks_mut().0, start, weights.as_chunks().0, inputs),
        8 => panels_of_8::<F>(sums.as_chunks_mut().0, start, weights.as_chunks().0, inputs),
        _ => panels_of::<F, P>(sums.as_chunks_mut().0, start, weights.as_chunks().0, inputs),
    }
}

/// Adds to each sum the product of its weight with one input.
#[inline(always)]
pub(crate) fn add_ones<F: Form>(sums: &mut [i32], weights: &[F::One], input: Unit) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum = F::add_one(*sum, weight, input);
    }
}

/// Sets each sum to its start.
#[inline(always)]
pub(crate) fn begin<F: Form>(sums: &mut [i32], start: Start<'_>) {
    for (sum, number) in sums.iter_mut().zip(start.numbers) {
        *sum = number.wrapping_sub(start.excess::<F>());
    }
}

/// Sets each sum to its start plus the products of two inputs.
#[inline(never)]
pub(crate) fn sum_columns(sums: &mut [i32], start: Start<'_>, columns: [(&[Half], Unit); 2]) {
    #[cfg(all(feature = "assembly", target_abi = "eabihf", target_os = "none"))]
    return flowlet_assembly::dsp::columns(sums, start.numbers, columns);
    #[cfg(all(feature = "assembly", target_arch = "arm", target_os = "none"))]
    #[cfg(not(target_has_atomic = "32"))]
    return flowlet_assembly::thumb::columns(sums, (start.numbers, start.excess), columns);
    #[cfg(not(all(
        feature = "assembly",
        target_arch = "arm",
        target_os = "none",
        any(target_abi = "eabihf", not(target_has_atomic = "32"))
    )))]
    {
        let [first, second] = columns;
        let weights = first.0.iter().zip(second.0);
        for ((sum, &number), (&a, &b)) in sums.iter_mut().zip(start.numbers).zip(weights) {
            let begun = number.wrapping_sub(start.excess::<Form16>());
            *sum = Form16::add_one(Form16::add_one(begun, a, first.1), b, second.1);
            if !crate::registers::VECTORS {
                // Without it the compiler unrolls the loop, for which it has too few registers.
                black_box(());
            }
        }
    }
}
