use core::arch::naked_asm;

/// The number of outputs of a panel.
pub const PANEL: usize = 8;

/// Two weights of 16 bits for each output of a panel: `[outputs][2]`. They are taken as numbers from 0 to 65,535.
pub type Pairs16 = [[i16; 2]; PANEL];
/// Two weights of 8 bits for each output of a panel: `[outputs][2]`. They are taken as numbers from 0 to 255.
pub type Pairs8 = [[i8; 2]; PANEL];
/// Two weights of 4 bits, from 0 to 15, for each output of a panel, that of the even input in the low bits.
pub type Pairs4 = [u8; PANEL];

/// The assembly that pushes r4 to r11 and lr, which a caller wants back: 36 bytes.
macro_rules! save {
    () => {
        "push {{r4-r7, lr}}; mov r4, r8; mov r5, r9; mov r6, r10; mov r7, r11; push {{r4-r7}}"
    };
}

/// The assembly that pops what [`save`] pushed, and returns.
macro_rules! restore {
    () => {
        "pop {{r4-r7}}; mov r8, r4; mov r9, r5; mov r10, r6; mov r11, r7; pop {{r4-r7, pc}}"
    };
}

/// Defines `$sum` and the assembly for its panels. The assembly loads the weights of a pair of inputs for the output
/// `$output` into r4 and r5 by `$load`.
macro_rules! product {
    ($sum:ident, $panels:ident, $pairs:ty, $bytes:literal, $prepare:literal, $($load:literal),+) => {
        /// Sets the `sums` of panels of eight outputs to `start − excess` plus the products of `weights` and
        /// `inputs`. Sums wrap. Each panel has as many pairs as there are pairs of inputs; panels that lack weights or a
        /// start are left as they are.
        pub fn $sum(
            sums: &mut [[i32; PANEL]],
            (start, excess): (&[[i32; PANEL]], i32),
            weights: &[$pairs],
            inputs: &[[i32; 2]],
        ) {
            if inputs.is_empty() {
                for (sums, start) in sums.iter_mut().zip(start) {
                    *sums = start.map(|number| number.wrapping_sub(excess));
                }
                return;
            }
            // As many as have weights, by addition, for want of an instruction that divides.
            let (mut panels, mut all) = (0, 0);
            while panels < sums.len().min(start.len()) && all + inputs.len() <= weights.len() {
                (panels, all) = (panels + 1, all + inputs.len());
            }
            let Some(sums) = sums.get_mut(..panels) else { return };
            if sums.is_empty() {
                return;
            }
            let (inputs, sums) = (inputs.as_ptr_range(), sums.as_mut_ptr_range());
            // SAFETY: the inputs are a slice that is not empty, and so are `sums`. Each panel has a start, and as many
            // weights as there are inputs.
            unsafe {
                $panels(
                    sums.start,
                    weights.as_ptr(),
                    inputs.start,
                    inputs.end,
                    start.as_ptr(),
                    excess,
                    sums.end,
                )
            }
        }

        /// # Safety
        ///
        /// `inputs` and `inputs_end` are the ends of a slice that is not empty, and so are `sums` and `sums_end`. `start`
        /// leads to as many panels as there are sums, and `weights` to as many pairs for each panel as there are inputs.
        #[unsafe(naked)]
        unsafe extern "C" fn $panels(
            sums: *mut [i32; PANEL],
            weights: *const $pairs,
            inputs: *const [i32; 2],
            inputs_end: *const [i32; 2],
            start: *const [i32; PANEL],
            excess: i32,
            sums_end: *mut [i32; PANEL],
        ) {
            // r0 and r3 a pair of inputs, r1 weights, r2 inputs, r4 and r5 products, r8 to r12, lr, r6 and r7 the sums. On
            // the stack: `sums`, `inputs`, `inputs_end`, and the registers that the caller wants back, then the arguments
            // that came there: `start`, `excess`, `sums_end`.
            naked_asm!(
                save!(),
                "push {{r0, r2, r3}}",
                "1:",
                "ldr r0, [sp, #48]",
                "ldr r3, [sp, #52]",
                "ldm r0!, {{r4-r7}}",
                "subs r4, r4, r3",
                "subs r5, r5, r3",
                "subs r6, r6, r3",
                "subs r7, r7, r3",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "ldm r0!, {{r4-r7}}",
                "str r0, [sp, #48]",
                "subs r4, r4, r3",
                "subs r5, r5, r3",
                "subs r6, r6, r3",
                "subs r7, r7, r3",
                "mov r12, r4",
                "mov lr, r5",
                "ldr r2, [sp, #4]",
                "2:",
                "ldm r2!, {{r0, r3}}",
                $prepare,
                product!(@outputs $($load),+),
                concat!("adds r1, #", $bytes),
                "ldr r4, [sp, #8]",
                "cmp r2, r4",
                "bne 2b",
                "ldr r0, [sp, #0]",
                "mov r2, r8",
                "mov r3, r9",
                "mov r4, r10",
                "mov r5, r11",
                "stm r0!, {{r2-r5}}",
                "mov r2, r12",
                "mov r3, lr",
                "stm r0!, {{r2, r3, r6, r7}}",
                "str r0, [sp, #0]",
                "ldr r2, [sp, #56]",
                "cmp r0, r2",
                "bne 1b",
                "add sp, #12",
                restore!(),
            )
        }
    };
    (@outputs $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal) => {
        concat!(
            product!(@output $a "add r8, "), product!(@output $b "add r9, "),
            product!(@output $c "add r10, "), product!(@output $d "add r11, "),
            product!(@output $e "add r12, "), product!(@output $f "add lr, "),
            product!(@output $g "adds r6, "), product!(@output $h "adds r7, "),
        )
    };
    (@output $load:literal $add:literal) => {
        concat!($load, "; muls r4, r0, r4; muls r5, r3, r5; ", $add, "r4; ", $add, "r5; ")
    };
}

product!(
    sum_16,
    panels_16,
    Pairs16,
    32,
    "",
    "ldrh r4, [r1, #0]; ldrh r5, [r1, #2]",
    "ldrh r4, [r1, #4]; ldrh r5, [r1, #6]",
    "ldrh r4, [r1, #8]; ldrh r5, [r1, #10]",
    "ldrh r4, [r1, #12]; ldrh r5, [r1, #14]",
    "ldrh r4, [r1, #16]; ldrh r5, [r1, #18]",
    "ldrh r4, [r1, #20]; ldrh r5, [r1, #22]",
    "ldrh r4, [r1, #24]; ldrh r5, [r1, #26]",
    "ldrh r4, [r1, #28]; ldrh r5, [r1, #30]"
);
product!(
    sum_8,
    panels_8,
    Pairs8,
    16,
    "",
    "ldrb r4, [r1, #0]; ldrb r5, [r1, #1]",
    "ldrb r4, [r1, #2]; ldrb r5, [r1, #3]",
    "ldrb r4, [r1, #4]; ldrb r5, [r1, #5]",
    "ldrb r4, [r1, #6]; ldrb r5, [r1, #7]",
    "ldrb r4, [r1, #8]; ldrb r5, [r1, #9]",
    "ldrb r4, [r1, #10]; ldrb r5, [r1, #11]",
    "ldrb r4, [r1, #12]; ldrb r5, [r1, #13]",
    "ldrb r4, [r1, #14]; ldrb r5, [r1, #15]"
);
// The weight of the even input plus 16 times that of the odd one, times the even input, and the weight of the odd one times
// the odd input less 16 times the even one.
product!(
    sum_4,
    panels_4,
    Pairs4,
    8,
    "lsls r4, r0, #4; subs r3, r3, r4",
    "ldrb r4, [r1, #0]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #1]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #2]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #3]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #4]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #5]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #6]; lsrs r5, r4, #4",
    "ldrb r4, [r1, #7]; lsrs r5, r4, #4"
);

/// The assembly of one sum, whose weights are so many bytes on.
macro_rules! column {
    ($at:literal) => {
        concat!(
            "ldm r0!, {{r6}}; add r6, r9;",
            concat!("ldrh r7, [r1, #", $at, "]; muls r7, r4, r7; adds r6, r6, r7;"),
            concat!("ldrh r7, [r2, #", $at, "]; muls r7, r5, r7; adds r6, r6, r7;"),
            "stm r3!, {{r6}}"
        )
    };
}

/// Sets `sums` to `start − excess` plus the products of two inputs, each with a weight for each sum, as many as
/// the shortest slice has. Sums wrap. Weights are taken as numbers from 0 to 65,535.
pub fn columns(
    sums: &mut [i32],
    (start, excess): (&[i32], i32),
    [(first, x), (second, y)]: [(&[i16], i32); 2],
) {
    let count = sums.len().min(start.len()).min(first.len()).min(second.len());
    let done = count / 2 * 2;
    if let Some(sums) = sums.get_mut(..done)
        && !sums.is_empty()
    {
        let sums = sums.as_mut_ptr_range();
        let inputs = [x, y, excess.wrapping_neg()];
        // SAFETY: `sums` is a slice that is not empty, of an even length, and there are as many weights and starts.
        unsafe {
            columns_of(
                start.as_ptr(),
                first.as_ptr(),
                second.as_ptr(),
                sums.start,
                sums.end,
                &inputs,
            )
        }
    }
    let weights = first.iter().zip(second);
    for ((sum, &start), (&a, &b)) in sums.iter_mut().zip(start).zip(weights).skip(done) {
        *sum = start
            .wrapping_sub(excess)
            .wrapping_add(i32::from(a as u16).wrapping_mul(x))
            .wrapping_add(i32::from(b as u16).wrapping_mul(y));
    }
}

/// # Safety
///
/// `sums` and `end` are the ends of a slice that is not empty, of an even length, and the first three lead to as many
/// numbers.
#[unsafe(naked)]
unsafe extern "C" fn columns_of(
    start: *const i32,
    first: *const i16,
    second: *const i16,
    sums: *mut i32,
    end: *mut i32,
    inputs: &[i32; 3],
) {
    // r4 and r5 the two inputs, r6 a sum, r7 a weight and its product, r8 `end`, r9 what is added to each sum. On the stack:
    // the registers that the caller wants back, then `end` and `inputs`.
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "push {{r4, r5}}",
        "ldr r4, [sp, #28]",
        "mov r8, r4",
        "ldr r6, [sp, #32]",
        "ldm r6!, {{r4, r5, r7}}",
        "mov r9, r7",
        "1:",
        column!("0"),
        column!("2"),
        "adds r1, #4",
        "adds r2, #4",
        "cmp r3, r8",
        "bne 1b",
        "pop {{r4, r5}}",
        "mov r8, r4",
        "mov r9, r5",
        "pop {{r4-r7, pc}}",
    )
}

/// The assembly of a segment's value at u, which is in r4, into r5.
macro_rules! segment {
    () => {
        "lsrs r5, r4, #7; lsls r5, r5, #3; ldr r6, [r7, r5]; ldr r5, [r3, r5]; muls r6, r4, r6; adds r5, r5, r6; asrs r5, r5, #14"
    };
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
    units: &mut [i32],
) {
    let count = sums.len().min(shifts.len()).min(units.len());
    let Some(sums) = sums.get(..count) else { return };
    if sums.is_empty() {
        return;
    }
    let sums = sums.as_ptr_range();
    let (shifts, units) = (shifts.as_ptr(), units.as_mut_ptr());
    // SAFETY: the sums are a slice that is not empty, and there are as many shifts and units.
    unsafe { units_of(sums.start, shifts, units, segments, sums.end, half, bits) }
}

/// # Safety
///
/// `sums` and `end` are the ends of a slice that is not empty, and `shifts` and `units` lead to as many numbers.
#[unsafe(naked)]
unsafe extern "C" fn units_of(
    sums: *const i32,
    shifts: *const i8,
    units: *mut i32,
    segments: *const [[i32; 2]; 64],
    end: *const i32,
    half: i32,
    bits: u32,
) {
    // r0 sums, r1 shifts, r2 units, r3 segments, r7 their slopes, r4 z, u or y, r5 and r6 the segment, r8 `end`, r9 `half`, r10
    // `bits`, r11 2¹³, lr z where it is beyond the segments. On the stack: the registers that the caller wants back, then
    // `end`, `half`, `bits`.
    naked_asm!(
        save!(),
        "ldr r4, [sp, #36]",
        "mov r8, r4",
        "ldr r4, [sp, #40]",
        "mov r9, r4",
        "ldr r4, [sp, #44]",
        "mov r10, r4",
        "movs r4, #1",
        "lsls r4, r4, #13",
        "mov r11, r4",
        "adds r7, r3, #4",
        "1:",
        "ldm r0!, {{r4}}",
        "ldrb r5, [r1]",
        "adds r1, #1",
        "asrs r4, r5",
        "bmi 4f",
        "cmp r4, r11",
        "bhs 6f",
        segment!(),
        "subs r4, r4, r5",
        "2:",
        "add r4, r9",
        "mov r5, r10",
        "asrs r4, r5",
        "sxth r5, r4",
        "cmp r4, r5",
        "bne 7f",
        "3:",
        "stm r2!, {{r4}}",
        "cmp r0, r8",
        "bne 1b",
        "b 8f",
        // A negative z: only the segment counts.
        "4:",
        "rsbs r4, r4, #0",
        "cmp r4, r11",
        "blo 5f",
        "mov r4, r11",
        "subs r4, #1",
        "5:",
        segment!(),
        "rsbs r4, r5, #0",
        "b 2b",
        // Beyond the segments.
        "6:",
        "mov lr, r4",
        "mov r4, r11",
        "subs r4, #1",
        segment!(),
        "mov r4, lr",
        "subs r4, r4, r5",
        "b 2b",
        // Beyond 16 bits: 2¹⁵ − 1, or its complement.
        "7:",
        "asrs r5, r4, #31",
        "movs r4, #1",
        "lsls r4, r4, #15",
        "subs r4, #1",
        "eors r4, r5",
        "b 3b",
        "8:",
        restore!(),
    )
}
