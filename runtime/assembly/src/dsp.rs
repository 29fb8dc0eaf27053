use core::arch::asm;

/// The number of outputs of a panel.
pub const PANEL: usize = 4;

/// Two weights of 16 bits for each output of a panel: `[outputs][2]`, little-endian.
pub type Pairs = [[u8; 4]; PANEL];

/// Adds the products of `weights` and `inputs` to the `sums` of panels of four outputs. Sums wrap. Each panel has as many
/// [`Pairs`] as there are pairs of inputs; panels that lack weights are left as they are.
///
/// Weights and inputs at addresses that are no multiples of four take a slower way.
pub fn add(sums: &mut [[i32; PANEL]], weights: &[Pairs], inputs: &[[i16; 2]]) {
    let panels = match weights.len().checked_div(inputs.len()) {
        Some(panels) => panels.min(sums.len()),
        None => return,
    };
    if panels == 0 {
        return;
    }
    let aligned = (weights.as_ptr().addr() | inputs.as_ptr().addr()).is_multiple_of(4);
    if !aligned {
        return add_plain(sums, weights, inputs);
    }
    let rest = inputs.len() % 4;
    // SAFETY: `sums` has at least `panels` panels, which are not 0, `weights` has `panels` times as many pairs as `inputs`, and
    // the assembly takes `inputs` from its start to its end in each panel. Weights and inputs are at addresses that `ldm`
    // takes. The assembly restores the registers that are no operands.
    unsafe {
        // r0 sums, r1 weights, r2 inputs, r3 the panels that are left, r4 to r7 the panel's sums, r8 and r9 two pairs of
        // inputs, r10 to r12 and lr the weights of a pair of inputs. On the stack: r2, r3, r6 to r11, and the inputs in
        // groups of four pairs, and those that are left. It is no naked function, since such a one does not know of the
        // target features that the compiler was given.
        asm!(
            "push {{r4, r5}}",
            "push {{r6-r11}}",
            "1:",
            "push {{r2, r3}}",
            "ldm r0, {{r4-r7}}",
            // The end of the groups.
            "ldr r3, [sp, #32]",
            "add r3, r2, r3, lsl #2",
            "cmp r2, r3",
            "beq 3f",
            "2:",
            "ldm r2!, {{r8, r9}}",
            "ldm r1!, {{r10-r12, lr}}",
            "smlad r4, r10, r8, r4",
            "smlad r5, r11, r8, r5",
            "smlad r6, r12, r8, r6",
            "smlad r7, lr, r8, r7",
            "ldm r1!, {{r10-r12, lr}}",
            "smlad r4, r10, r9, r4",
            "smlad r5, r11, r9, r5",
            "smlad r6, r12, r9, r6",
            "smlad r7, lr, r9, r7",
            "ldm r2!, {{r8, r9}}",
            "ldm r1!, {{r10-r12, lr}}",
            "smlad r4, r10, r8, r4",
            "smlad r5, r11, r8, r5",
            "smlad r6, r12, r8, r6",
            "smlad r7, lr, r8, r7",
            "ldm r1!, {{r10-r12, lr}}",
            "smlad r4, r10, r9, r4",
            "smlad r5, r11, r9, r5",
            "smlad r6, r12, r9, r6",
            "smlad r7, lr, r9, r7",
            "cmp r2, r3",
            "bne 2b",
            "3:",
            // The pairs that are left.
            "ldr r3, [sp, #36]",
            "cbz r3, 5f",
            "4:",
            "ldr r8, [r2], #4",
            "ldm r1!, {{r10-r12, lr}}",
            "smlad r4, r10, r8, r4",
            "smlad r5, r11, r8, r5",
            "smlad r6, r12, r8, r6",
            "smlad r7, lr, r8, r7",
            "subs r3, #1",
            "bne 4b",
            "5:",
            "stm r0!, {{r4-r7}}",
            "pop {{r2, r3}}",
            "subs r3, #1",
            "bne 1b",
            "pop {{r6-r11}}",
            "pop {{r4, r5}}",
            inout("r0") sums.as_mut_ptr() => _,
            inout("r1") weights.as_ptr() => _,
            in("r2") inputs.as_ptr(),
            inout("r3") panels => _,
            in("r4") inputs.len() - rest,
            in("r5") rest,
            out("r12") _,
            out("lr") _,
        );
    }
}

/// [`add`] without assembly.
fn add_plain(sums: &mut [[i32; PANEL]], mut weights: &[Pairs], inputs: &[[i16; 2]]) {
    for sums in sums {
        let Some((panel, rest)) = weights.split_at_checked(inputs.len()) else { return };
        weights = rest;
        for (pairs, &[even, odd]) in panel.iter().zip(inputs) {
            for (sum, &[a, b, c, d]) in sums.iter_mut().zip(pairs) {
                *sum = sum
                    .wrapping_add(i32::from(i16::from_le_bytes([a, b])) * i32::from(even))
                    .wrapping_add(i32::from(i16::from_le_bytes([c, d])) * i32::from(odd));
            }
        }
    }
}

/// Writes the units of a layer from its sums, `[outputs]` each, as many as the shortest slice has:
///
/// ```text
/// z = sum >> shift,   u = min(|z|, 2¹³ − 1),   [start, slope] = segments[u >> 7]
/// y = (max(z, 0) − ((start + slope · u) >> 14) + half) >> bits, within 16 bits
/// ```
///
/// Sums are above −2³¹, and shifts from 0 to 31. `rounding` is `(half, bits)`.
pub fn units(
    segments: &[[i32; 2]; 64],
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
        // r0 sums, r1 shifts, r2 units, r3 the count that is left, r4 segments, r5 half, r12 bits, r8 z, r10 u, and the
        // segment in r7 and r9.
        asm!(
            "push {{r7-r10}}",
            "1:",
            "ldr r8, [r0], #4",
            "ldrsb r10, [r1], #1",
            "asr r8, r8, r10",
            "eor r10, r8, r8, asr #31",
            "sub r10, r10, r8, asr #31",
            "usat r10, #13, r10",
            "lsr r9, r10, #7",
            "add r9, r4, r9, lsl #3",
            "ldrd r7, r9, [r9]",
            "mla r7, r9, r10, r7",
            "bic r8, r8, r8, asr #31",
            "sub r8, r8, r7, asr #14",
            "add r8, r8, r5",
            "asr r8, r8, r12",
            "ssat r8, #16, r8",
            "strh r8, [r2], #2",
            "subs r3, #1",
            "bne 1b",
            "pop {{r7-r10}}",
            inout("r0") sums.as_ptr() => _,
            inout("r1") shifts.as_ptr() => _,
            inout("r2") units.as_mut_ptr() => _,
            inout("r3") count => _,
            in("r4") segments,
            in("r5") half,
            in("r12") bits,
        );
    }
}
