//! The arithmetic that both front ends share: [`Mlp`](crate::Mlp) and
//! [`HeapMlp`](crate::HeapMlp) differ in where their sizes come from, not in a single operation.
//!
//! Nothing here is generic over a model, so nothing is compiled again in the crate that uses it: a
//! game's debug build calls code that was optimised here.

/// How many outputs are accumulated side by side: eight vectors of four lanes, so that enough
/// additions are on their way to hide the latency of one. Lanes are outputs, so this number
/// changes no bit.
const BLOCK: usize = 32;

/// Adds `inputs[i] · columns[i][o]` to every `out[o]`, for `i` in order.
///
/// `columns` is `[inputs.len()][out.len()]`, input after input. For each output the terms are
/// added one after the other, each product and each sum rounded: this order is part of the
/// numeric contract.
pub(crate) fn accumulate(out: &mut [f32], columns: &[f32], inputs: &[f32]) {
    let width = out.len();
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let mut first = 0;
    for block in blocks {
        accumulate_block(block, columns, width, first, inputs);
        first += BLOCK;
    }
    let (blocks, rest) = rest.as_chunks_mut::<8>();
    for block in blocks {
        accumulate_block(block, columns, width, first, inputs);
        first += 8;
    }
    for output in rest {
        accumulate_block(core::array::from_mut(output), columns, width, first, inputs);
        first += 1;
    }
}

/// [`accumulate`] for outputs `first..first + W` of `width`.
#[inline]
fn accumulate_block<const W: usize>(
    out: &mut [f32; W],
    columns: &[f32],
    width: usize,
    first: usize,
    inputs: &[f32],
) {
    let mut sums = *out;
    for (column, &input) in columns.chunks_exact(width).zip(inputs) {
        let Some(weights) = column.get(first..).and_then(|rest| rest.first_chunk::<W>()) else {
            return;
        };
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            *sum += weight * input;
        }
    }
    *out = sums;
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
                let columns = &columns[..width * inputs];
                accumulate(&mut found[..width], columns, &inputs_[..inputs]);
                reference(&mut expected[..width], columns, &inputs_[..inputs]);
                assert_eq!(found.map(f32::to_bits), expected.map(f32::to_bits), "{width}×{inputs}");
            }
        }
    }
}
