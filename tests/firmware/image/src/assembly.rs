//! The assembly of whole numbers against plain loops, at sizes and addresses that the committed models do not have.

/// The next number of a sequence that looks random.
fn next(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 8
}

/// Words that look random.
fn words<const N: usize>(state: &mut u32) -> [i32; N] {
    core::array::from_fn(|_| (next(state) << 8) as i32)
}

/// The most pairs of inputs and panels of outputs.
const PAIRS: usize = 18;
const PANELS: usize = 3;

#[cfg(target_abi = "eabihf")]
pub use dsp::agrees;

#[cfg(target_abi = "eabihf")]
mod dsp {
    use flowlet_assembly::dsp::{PANEL, Pairs, columns, sum, units};

    use super::{PAIRS, PANELS, next, words};

    /// Begins at a multiple of four, so that each offset is what it says.
    #[repr(align(4))]
    struct Aligned<T>(T);

    /// Whether the assembly gives the sums and units of plain loops.
    #[inline(never)]
    pub fn agrees() -> bool {
        let mut state = 1;
        (0..=PAIRS).all(|pairs| {
            (0..=PANELS)
                .all(|panels| (0..4).all(|offset| sums_agree(&mut state, (pairs, panels), offset)))
        }) && (0..40).all(|count| units_agree(&mut state, count))
            && (0..40).all(|count| (0..4).all(|offset| columns_agree(&mut state, count, offset)))
    }

    fn columns_agree(state: &mut u32, count: usize, offset: usize) -> bool {
        let mut weights = [Aligned([[0_u8; 2]; 42]), Aligned([[0_u8; 2]; 42])];
        for weights in &mut weights {
            weights.0.as_flattened_mut().fill_with(|| next(state) as u8);
        }
        let start: [i32; 40] = words(state);
        let mut sums: [i32; 40] = words(state);
        let [x, y] = [next(state) as i16, next(state) as i16];
        // One of the two at an address that is no multiple of four, both, or none.
        let [Some(first), Some(second)] =
            [weights[0].0.get(offset % 2..), weights[1].0.get(offset / 2..)]
        else {
            return false;
        };
        let mut expected = sums;
        let each = first.iter().zip(second).zip(&start);
        for (sum, ((&a, &b), &start)) in expected.iter_mut().zip(each).take(count) {
            let [a, b] = [a, b].map(|weight| i32::from(i16::from_le_bytes(weight)));
            *sum = start.wrapping_add(a * i32::from(x)).wrapping_add(b * i32::from(y));
        }
        let Some(of_sums) = sums.get_mut(..count) else { return false };
        columns(of_sums, &start, [(first, x), (second, y)]);
        sums == expected
    }

    fn sums_agree(state: &mut u32, (pairs, panels): (usize, usize), offset: usize) -> bool {
        let mut bytes = Aligned([0_u8; PAIRS * PANELS * PANEL * 4 + 4]);
        bytes.0.fill_with(|| next(state) as u8);
        let mut inputs = Aligned([0_i16; 2 * PAIRS + 1]);
        inputs.0.fill_with(|| next(state) as i16);
        let Some(bytes) = bytes.0.get(offset..) else { return false };
        let weights: &[Pairs] = bytes.as_chunks::<4>().0.as_chunks::<PANEL>().0;
        let Some(weights) = weights.get(..pairs * panels) else { return false };
        let inputs = inputs.0.get(offset % 2..).unwrap_or(&[]).as_chunks::<2>().0;
        let Some(inputs) = inputs.get(..pairs) else { return false };
        let [mut sums, start]: [[[i32; PANEL]; PANELS]; 2] =
            [[0; PANELS]; 2].map(|panels| panels.map(|_| words(state)));
        let mut expected = sums;
        for (panel, sums) in expected.iter_mut().take(panels).enumerate() {
            *sums = start[panel];
            for (output, sum) in sums.iter_mut().enumerate() {
                for (pair, &[x, y]) in inputs.iter().enumerate() {
                    let Some(&[a, b, c, d]) =
                        weights.get(panel * pairs + pair).and_then(|group| group.get(output))
                    else {
                        return false;
                    };
                    let (even, odd) = (i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d]));
                    *sum = sum.wrapping_add(i32::from(even) * i32::from(x));
                    *sum = sum.wrapping_add(i32::from(odd) * i32::from(y));
                }
            }
        }
        sum(&mut sums, start.get(..panels).unwrap_or(&[]), weights, inputs);
        sums == expected
    }

    fn units_agree(state: &mut u32, count: usize) -> bool {
        let mut lines = [[0_i16; 2]; 64];
        lines.fill_with(|| [next(state) as i16, next(state) as i16]);
        let (mut sums, mut shifts, mut found) = ([0; 40], [0; 40], [0_i16; 40]);
        sums.fill_with(|| (next(state) << 8) as i32 | 1);
        shifts.fill_with(|| (next(state) % 32) as i8);
        let bits = next(state) % 12;
        let half = (1 << bits) >> 1;
        let mut expected = found;
        for ((y, &sum), &shift) in expected.iter_mut().zip(&sums).zip(&shifts).take(count) {
            let z: i32 = sum >> shift;
            let u = z.unsigned_abs().min((1 << 13) - 1);
            let Some(line) = lines.get((u >> 7) as usize) else { return false };
            let [value, slope] = line.map(i32::from);
            let line = ((value << 11) + slope * (u % 128) as i32) >> 14;
            let value = (z.max(0).wrapping_sub(line).wrapping_add(half)) >> bits;
            *y = value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
        let Some(sums) = sums.get(..count) else { return false };
        let lines =
            lines.map(|[value, slope]| u32::from(value as u16) | u32::from(slope as u16) << 16);
        units(&lines, sums, &shifts, (half, bits), &mut found);
        found == expected
    }
}

#[cfg(not(target_has_atomic = "32"))]
pub use thumb::agrees;

#[cfg(not(target_has_atomic = "32"))]
mod thumb {
    use flowlet_assembly::thumb::{PANEL, columns, sum_4, sum_8, sum_16, units};

    use super::{PAIRS, PANELS, next, words};

    type Sums = [[i32; PANEL]; PANELS];

    /// Whether the assembly gives the sums of plain loops.
    #[inline(never)]
    pub fn agrees() -> bool {
        let mut state = 1;
        (0..=PAIRS).all(|pairs| (0..=PANELS).all(|panels| sums_agree(&mut state, pairs, panels)))
            && (0..40)
                .all(|count| units_agree(&mut state, count) && columns_agree(&mut state, count))
    }

    fn columns_agree(state: &mut u32, count: usize) -> bool {
        let mut weights = [[0_i16; 2]; 40];
        weights.fill_with(|| [next(state) as i16, next(state) as i16]);
        let [first, second] = [0, 1].map(|column| weights.map(|pair: [i16; 2]| pair[column]));
        let start: [i32; 40] = words(state);
        let mut sums: [i32; 40] = words(state);
        let [x, y] = [0; 2].map(|_: i32| i32::from(next(state) as i16));
        let excess = (next(state) << 8) as i32;
        let mut expected = sums;
        for ((sum, pair), start) in expected.iter_mut().zip(weights).zip(start).take(count) {
            let [a, b] = pair.map(|weight| i32::from(weight as u16));
            *sum = start.wrapping_sub(excess).wrapping_add(a.wrapping_mul(x));
            *sum = sum.wrapping_add(b.wrapping_mul(y));
        }
        let Some(of_sums) = sums.get_mut(..count) else { return false };
        columns(of_sums, (&start, excess), [(&first, x), (&second, y)]);
        sums == expected
    }

    fn units_agree(state: &mut u32, count: usize) -> bool {
        let mut segments = [[0; 2]; 64];
        // So far from 0 that units pass both ends of 16 bits.
        let start = |number: u32| (number as i32 - (1 << 23)) << 7;
        segments.fill_with(|| [start(next(state)), next(state) as i32 >> 12]);
        let (mut sums, mut shifts, mut found) = ([0; 40], [0; 40], [0; 40]);
        sums.fill_with(|| (next(state) << 8) as i32 | 1);
        shifts.fill_with(|| (next(state) % 32) as i8);
        let bits = next(state) % 12;
        let half = (1 << bits) >> 1;
        let mut expected = found;
        for ((y, &sum), &shift) in expected.iter_mut().zip(&sums).zip(&shifts).take(count) {
            let z: i32 = sum >> shift;
            let u = z.unsigned_abs().min((1 << 13) - 1);
            let Some(&[start, slope]) = segments.get((u >> 7) as usize) else { return false };
            let line = (start + slope * u as i32) >> 14;
            let value = (z.max(0).wrapping_sub(line).wrapping_add(half)) >> bits;
            *y = value.clamp(i16::MIN.into(), i16::MAX.into());
        }
        let Some(sums) = sums.get(..count) else { return false };
        units(&segments, sums, &shifts, (half, bits), &mut found);
        found == expected
    }

    fn sums_agree(state: &mut u32, pairs: usize, panels: usize) -> bool {
        let mut weights = [[[0_i16; 2]; PANEL]; PAIRS * PANELS];
        weights.as_flattened_mut().fill_with(|| [next(state) as i16, next(state) as i16]);
        let bytes = weights.map(|group| group.map(|pair| pair.map(|weight| weight as i8)));
        let nibbles = weights.map(|group| group.map(|[even, _]| even as u8));
        let mut inputs = [[0_i32; 2]; PAIRS];
        inputs.fill_with(|| [i32::from(next(state) as i16), i32::from(next(state) as i16)]);
        let Some(inputs) = inputs.get(..pairs) else { return false };
        let [sums, start]: [Sums; 2] = [[0; PANELS]; 2].map(|panels| panels.map(|_| words(state)));
        let excess = next(state) as i32;
        let expected = |weight: &dyn Fn(usize, usize) -> [i32; 2]| {
            let mut sums = sums;
            for ((panel, sums), start) in sums.iter_mut().take(panels).enumerate().zip(start) {
                *sums = start.map(|number: i32| number.wrapping_sub(excess));
                for (output, sum) in sums.iter_mut().enumerate() {
                    for (pair, &[x, y]) in inputs.iter().enumerate() {
                        let [even, odd] = weight(panel * pairs + pair, output);
                        *sum = sum
                            .wrapping_add(even.wrapping_mul(x))
                            .wrapping_add(odd.wrapping_mul(y));
                    }
                }
            }
            sums
        };
        let at = |group: usize, output: usize| {
            weights.get(group).and_then(|group| group.get(output)).copied().unwrap_or_default()
        };
        let of_16 = expected(&|group, output| at(group, output).map(|w| i32::from(w as u16)));
        let of_8 = expected(&|group, output| at(group, output).map(|w| i32::from(w as u8)));
        let of_4 = expected(&|group, output| {
            let byte = i32::from(at(group, output)[0] as u8);
            [byte & 15, byte >> 4]
        });
        let count = pairs * panels;
        let (Some(weights), Some(bytes), Some(nibbles)) =
            (weights.get(..count), bytes.get(..count), nibbles.get(..count))
        else {
            return false;
        };
        let start = (start.get(..panels).unwrap_or(&[]), excess);
        let mut found = [sums; 3];
        sum_16(&mut found[0], start, weights, inputs);
        sum_8(&mut found[1], start, bytes, inputs);
        sum_4(&mut found[2], start, nibbles, inputs);
        found == [of_16, of_8, of_4]
    }
}
