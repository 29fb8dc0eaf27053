use core::arch::asm;

/// The number of outputs of a panel.
pub const PANEL: usize = 4;

/// Two weights of 16 bits for each output of a panel: `[outputs][2]`, little-endian.
pub type Pairs = [[u8; 4]; PANEL];

/// The assembly of the products with the pair of inputs in a register.
macro_rules! pair {
    ($inputs:literal) => {
        concat!(
            "ldm r1!, {{r10-r12, lr}};",
            concat!("smlad r4, r10, ", $inputs, ", r4;"),
            concat!("smlad r5, r11, ", $inputs, ", r5;"),
            concat!("smlad r6, r12, ", $inputs, ", r6;"),
            concat!("smlad r7, lr, ", $inputs, ", r7"),
        )
    };
}

/// Sets the `sums` of panels of four outputs to their `start` plus the products of `weights` and `inputs`. Sums wrap. Each
/// panel has as many [`Pairs`] as there are pairs of inputs; panels that lack weights or a start are left as they are.
///
/// Weights and inputs at addresses that are no multiples of four take a slower way.
pub fn sum(
    sums: &mut [[i32; PANEL]],
    start: &[[i32; PANEL]],
    weights: &[Pairs],
    inputs: &[[i16; 2]],
) {
    let most = sums.len().min(start.len());
    let panels = weights.len().checked_div(inputs.len()).map_or(most, |panels| panels.min(most));
    if panels == 0 {
        return;
    }
    let aligned = (weights.as_ptr().addr() | inputs.as_ptr().addr()).is_multiple_of(4);
    if !aligned {
        return sum_plain(sums, start, weights, inputs);
    }
    let groups = inputs.len() / 8 * 8;
    // SAFETY: `sums` and `start` have at least `panels` panels, which are not 0, `weights` has `panels` times as many pairs as
    // `inputs`, and in each panel the assembly takes `inputs` from its start to its end. Weights and inputs are at addresses
    // that `ldm` takes. The assembly restores the registers that are no operands.
    unsafe {
        // r0 start, r1 weights, r2 inputs, r3 the end of the groups of eight pairs of inputs, r4 to r7 the panel's sums, r8
        // and r9 pairs of inputs, r10 to r12 and lr the weights of a pair of inputs. On the stack: the sums, the inputs, the
        // end of the inputs, the panels that are left, and r6 to r11. It is no naked function, since such a one does not
        // know of the target features that the compiler was given.
        asm!(
            "push {{r6-r11}}",
            "push {{r2, r4, r5, r12}}",
            "1:",
            "ldr r2, [sp, #4]",
            "ldm r0!, {{r4-r7}}",
            "cmp r2, r3",
            "beq 3f",
            "2:",
            "ldm r2!, {{r8, r9}}",
            pair!("r8"),
            pair!("r9"),
            "ldm r2!, {{r8, r9}}",
            pair!("r8"),
            pair!("r9"),
            "ldm r2!, {{r8, r9}}",
            pair!("r8"),
            pair!("r9"),
            "ldm r2!, {{r8, r9}}",
            pair!("r8"),
            pair!("r9"),
            "cmp r2, r3",
            "bne 2b",
            "3:",
            // The pairs that are left.
            "ldr r9, [sp, #8]",
            "cmp r2, r9",
            "beq 5f",
            "4:",
            "ldr r8, [r2], #4",
            pair!("r8"),
            "cmp r2, r9",
            "bne 4b",
            "5:",
            "ldr r8, [sp]",
            "stm r8!, {{r4-r7}}",
            "str r8, [sp]",
            "ldr r8, [sp, #12]",
            "subs r8, #1",
            "str r8, [sp, #12]",
            "bne 1b",
            "pop {{r2, r4, r5, r12}}",
            "pop {{r6-r11}}",
            inout("r0") start.as_ptr() => _,
            inout("r1") weights.as_ptr() => _,
            inout("r2") sums.as_mut_ptr() => _,
            in("r3") inputs.as_ptr().wrapping_add(groups),
            inout("r4") inputs.as_ptr() => _,
            inout("r5") inputs.as_ptr_range().end => _,
            inout("r12") panels => _,
            out("lr") _,
        );
    }
}

/// [`sum`] without assembly.
fn sum_plain(
    sums: &mut [[i32; PANEL]],
    start: &[[i32; PANEL]],
    mut weights: &[Pairs],
    inputs: &[[i16; 2]],
) {
    for (sums, start) in sums.iter_mut().zip(start) {
        let Some((panel, rest)) = weights.split_at_checked(inputs.len()) else { return };
        weights = rest;
        *sums = *start;
        for (pairs, &[even, odd]) in panel.iter().zip(inputs) {
            for (sum, &[a, b, c, d]) in sums.iter_mut().zip(pairs) {
                *sum = sum
                    .wrapping_add(i32::from(i16::from_le_bytes([a, b])) * i32::from(even))
                    .wrapping_add(i32::from(i16::from_le_bytes([c, d])) * i32::from(odd));
            }
        }
    }
}

/// Sets `sums` to their `start` plus the products of two inputs, each with a weight for each sum, as many as the shortest
/// slice has. Sums wrap.
///
/// Weights at addresses that are no multiples of four take a slower way.
pub fn columns(sums: &mut [i32], start: &[i32], [(first, x), (second, y)]: [(&[[u8; 2]], i16); 2]) {
    let count = sums.len().min(start.len()).min(first.len()).min(second.len());
    let aligned = (first.as_ptr().addr() | second.as_ptr().addr()).is_multiple_of(4);
    let done = if aligned { count / 4 * 4 } else { 0 };
    if done > 0 {
        // SAFETY: each slice has at least `done` elements, which is a multiple of four and not 0. Weights are at addresses
        // that `ldm` takes. The assembly restores the registers that are no operands.
        unsafe {
            // r0 start, r1 and r2 weights, r3 sums, r4 to r7 four sums, r8 and r9 their weights, r12 the sums that are left,
            // lr the two inputs.
            asm!(
                "push {{r6-r9}}",
                "1:",
                "ldm r0!, {{r4-r7}}",
                "ldm r1!, {{r8, r9}}",
                "smlabb r4, r8, lr, r4",
                "smlatb r5, r8, lr, r5",
                "smlabb r6, r9, lr, r6",
                "smlatb r7, r9, lr, r7",
                "ldm r2!, {{r8, r9}}",
                "smlabt r4, r8, lr, r4",
                "smlatt r5, r8, lr, r5",
                "smlabt r6, r9, lr, r6",
                "smlatt r7, r9, lr, r7",
                "stm r3!, {{r4-r7}}",
                "subs r12, #4",
                "bne 1b",
                "pop {{r6-r9}}",
                inout("r0") start.as_ptr() => _,
                inout("r1") first.as_ptr() => _,
                inout("r2") second.as_ptr() => _,
                inout("r3") sums.as_mut_ptr() => _,
                out("r4") _,
                out("r5") _,
                inout("r12") done => _,
                inout("lr") u32::from(x as u16) | u32::from(y as u16) << 16 => _,
            );
        }
    }
    let weights = first.iter().zip(second);
    for ((sum, &start), (&a, &b)) in sums.iter_mut().zip(start).zip(weights).skip(done) {
        *sum = start
            .wrapping_add(i32::from(i16::from_le_bytes(a)) * i32::from(x))
            .wrapping_add(i32::from(i16::from_le_bytes(b)) * i32::from(y));
    }
}

/// The assembly of one unit, whose sum is in a register.
macro_rules! unit {
    ($z:literal) => {
        concat!(
            "ldrb r10, [r1], #1;",
            concat!("asr ", $z, ", ", $z, ", r10;"),
            concat!("eor r10, ", $z, ", ", $z, ", asr #31;"),
            concat!("sub r10, r10, ", $z, ", asr #31;"),
            "usat r10, #13, r10;",
            "lsr r11, r10, #7;",
            "ldr r11, [r4, r11, lsl #2];",
            "bfi lr, r10, #0, #7;",
            "smladx r11, r11, lr, r5;",
            concat!("bic ", $z, ", ", $z, ", ", $z, ", asr #31;"),
            concat!("sub ", $z, ", ", $z, ", r11, asr #14;"),
            concat!("asr ", $z, ", ", $z, ", r12;"),
            concat!("ssat ", $z, ", #16, ", $z, ";"),
            concat!("strh ", $z, ", [r2], #2"),
        )
    };
}

/// Writes the units of a layer from its sums, `[outputs]` each, as many as the shortest slice has:
///
/// ```text
/// z = sum >> shift,   u = min(|z|, 2¹³ − 1),   (value, slope) = lines[u >> 7]
/// y = (max(z, 0) − ((value · 2¹¹ + slope · (u mod 2⁷)) >> 14) + half) >> bits, within 16 bits
/// ```
///
/// A line is a word, with the value in its low half. Sums are above −2³¹, and shifts from 0 to 31. A half is at
/// most 2¹⁴.
pub fn units(
    lines: &[u32; 64],
    sums: &[i32],
    shifts: &[i8],
    (half, bits): (i32, u32),
    units: &mut [i16],
) {
    let count = sums.len().min(shifts.len()).min(units.len());
    if count == 0 {
        return;
    }
    // SAFETY: each slice has `count` elements, at least one, and `u >> 7` is below 64. The assembly restores the registers
    // that are no operands.
    unsafe {
        // r0 sums, r1 shifts, r2 units, r3 the count that is left, r4 lines, r5 −half · 2¹⁴, r6 to r9 z of four units, r10 the
        // shift and u, r11 the line and its value, r12 bits, lr 2¹¹ in the high half and u mod 2⁷ in the low one.
        asm!(
            "push {{r6-r11}}",
            "subs r3, #4",
            "blo 2f",
            "1:",
            "ldm r0!, {{r6-r9}}",
            unit!("r6"),
            unit!("r7"),
            unit!("r8"),
            unit!("r9"),
            "subs r3, #4",
            "bhs 1b",
            "2:",
            "adds r3, #4",
            "beq 4f",
            "3:",
            "ldr r6, [r0], #4",
            unit!("r6"),
            "subs r3, #1",
            "bne 3b",
            "4:",
            "pop {{r6-r11}}",
            inout("r0") sums.as_ptr() => _,
            inout("r1") shifts.as_ptr() => _,
            inout("r2") units.as_mut_ptr() => _,
            inout("r3") count => _,
            in("r4") lines,
            in("r5") half.wrapping_neg() << 14,
            in("r12") bits,
            inout("lr") 1 << 27 => _,
        );
    }
}
