//! The arithmetic that both front ends share: [`Mlp`](crate::Mlp) and
//! [`HeapMlp`](crate::HeapMlp) differ in where their sizes come from, not in a single operation.
//!
//! Nothing here is generic over a model, so nothing is compiled again in the crate that uses it: a
//! game's debug build calls code that was optimised here.

/// How many outputs are accumulated side by side: eight vectors of four lanes, so that enough
/// additions are on their way to hide the latency of one; or, where a register holds one number, as
/// many as leave registers for the weights. Lanes are outputs, so this number changes no bit.
const BLOCK: usize =
    if cfg!(any(target_feature = "sse", target_feature = "neon", target_feature = "simd128")) {
        32
    } else {
        16
    };

/// Outputs side by side in what a whole block does not fit into.
const REST: usize = BLOCK / 4;

/// Terms of many outputs: every input times its column.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// `[inputs.len()][outputs]`, input after input.
    pub(crate) columns: &'a [f32],
    pub(crate) inputs: &'a [f32],
}

/// Sets every `out[o]` to `start[o]` plus `inputs[i] · columns[i][o]`, for all `terms` in order and
/// `i` in order. `start` is as long as `out`.
///
/// For each output the terms are added one after the other, each product and each sum rounded:
/// this order is part of the numeric contract.
pub(crate) fn affine(out: &mut [f32], start: &[f32], terms: &[Terms<'_>]) {
    let width = out.len();
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let mut first = 0;
    for block in blocks {
        affine_block(block, start, terms, width, first);
        first += BLOCK;
    }
    let (blocks, rest) = rest.as_chunks_mut::<REST>();
    for block in blocks {
        affine_block(block, start, terms, width, first);
        first += REST;
    }
    for output in rest {
        affine_block(core::array::from_mut(output), start, terms, width, first);
        first += 1;
    }
}

/// [`affine`] for outputs `first..first + W` of `width`.
#[inline]
fn affine_block<const W: usize>(
    out: &mut [f32; W],
    start: &[f32],
    terms: &[Terms<'_>],
    width: usize,
    first: usize,
) {
    let Some(&(mut sums)) = part(start, first) else { return };
    for Terms { columns, inputs } in terms {
        for (column, &input) in columns.chunks_exact(width).zip(*inputs) {
            let Some(weights) = part::<W>(column, first) else { return };
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum += weight * input;
            }
        }
    }
    *out = sums;
}

/// `W` values from `first` on, if there are so many.
#[inline]
fn part<const W: usize>(values: &[f32], first: usize) -> Option<&[f32; W]> {
    values.get(first..)?.first_chunk()
}

/// Flow units of a condition, `(c − mean) ÷ scale`.
#[inline]
pub(crate) fn standardize(c: f32, mean: f32, scale: f32) -> f32 {
    (c - mean) / scale
}

/// Data units of a flow coordinate, `x · scale + mean`.
#[inline]
pub(crate) fn to_data_units(x: f32, mean: f32, scale: f32) -> f32 {
    canonical(x * scale + mean)
}

/// Euler's step of one coordinate, `x + (v · dt)`.
#[inline]
pub(crate) fn euler(x: f32, v: f32, dt: f32) -> f32 {
    canonical(x + v * dt)
}

/// Any NaN becomes `0x7fc00000`: the payload that an operation gives is the CPU's own affair.
#[inline]
pub(crate) fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(0x7fc0_0000) } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One output at a time, in the contract's order.
    fn reference(out: &mut [f32], columns: &[f32], inputs: &[f32]) {
        let width = out.len();
        for (o, sum) in out.iter_mut().enumerate() {
            for (i, input) in inputs.iter().enumerate() {
                *sum += columns[i * width + o] * input;
            }
        }
    }

    #[test]
    fn every_block_width_adds_in_the_contracts_order() {
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        for width in [1, 2, 7, 8, 9, 15, 31, 32, 33, 40, 41, 64, 97, 130] {
            for inputs in [0, 1, 3, 64] {
                let columns: [f32; 130 * 64] = core::array::from_fn(|_| draw());
                let inputs_: [f32; 64] = core::array::from_fn(|_| draw());
                let start: [f32; 130] = core::array::from_fn(|_| draw());
                let (mut found, mut expected) = (start, start);
                let (columns, inputs_) = (&columns[..width * inputs], &inputs_[..inputs]);
                // In two groups, as the first layer has them.
                let ((a, b), (x, y)) =
                    (columns.split_at(width * (inputs / 3)), inputs_.split_at(inputs / 3));
                let terms = [Terms { columns: a, inputs: x }, Terms { columns: b, inputs: y }];
                affine(&mut found[..width], &start[..width], &terms);
                reference(&mut expected[..width], columns, inputs_);
                assert_eq!(found.map(f32::to_bits), expected.map(f32::to_bits), "{width}×{inputs}");
            }
        }
    }
}
