use core::arch::naked_asm;

/// The number of outputs of a panel.
pub const PANEL: usize = 8;

/// Two weights of 16 bits for each output of a panel: `[outputs][2]`. They are taken as numbers from 0 to 65,535.
pub type Pairs16 = [[i16; 2]; PANEL];
/// Two weights of 8 bits for each output of a panel: `[outputs][2]`. They are taken as numbers from 0 to 255.
pub type Pairs8 = [[i8; 2]; PANEL];
/// Two weights of 4 bits, from 0 to 15, for each output of a panel, that of the even input in the low bits.
pub type Pairs4 = [u8; PANEL];

/// Defines `$add` and the assembly for one panel. The assembly loads the weights of a pair of inputs for the output
/// `$output` into r4 and r5 by `$load`.
macro_rules! product {
    ($add:ident, $panel:ident, $pairs:ty, $bytes:literal, $prepare:literal, $($load:literal),+) => {
        /// Adds the products of `weights` and `inputs` to the `sums` of panels of eight outputs. Sums wrap. Each panel has
        /// as many pairs as there are pairs of inputs; panels that lack weights are left as they are.
        pub fn $add(sums: &mut [[i32; PANEL]], mut weights: &[$pairs], inputs: &[[i32; 2]]) {
            if inputs.is_empty() {
                return;
            }
            for sums in sums {
                let Some((panel, rest)) = weights.split_at_checked(inputs.len()) else { return };
                weights = rest;
                let inputs = inputs.as_ptr_range();
                // SAFETY: the inputs are a slice that is not empty, and `panel` has as many pairs.
                unsafe { $panel(sums, panel.as_ptr(), inputs.start, inputs.end) }
            }
        }

        /// # Safety
        ///
        /// `inputs` and `end` are the ends of a slice that is not empty, and `weights` leads to as many pairs.
        #[unsafe(naked)]
        unsafe extern "C" fn $panel(
            sums: *mut [i32; PANEL],
            weights: *const $pairs,
            inputs: *const [i32; 2],
            end: *const [i32; 2],
        ) {
            // r0 and r3 a pair of inputs, r1 weights, r2 inputs, r4 and r5 products, r8 to r12, lr, r6 and r7 the sums. On
            // the stack: `sums`, `end`, and the registers that the caller wants back.
            naked_asm!(
                "push {{r4-r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r4-r7}}",
                "push {{r0, r3}}",
                "ldm r0!, {{r4-r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "ldm r0!, {{r4-r7}}",
                "mov r12, r4",
                "mov lr, r5",
                "1:",
                "ldm r2!, {{r0, r3}}",
                $prepare,
                product!(@outputs $($load),+),
                concat!("adds r1, #", $bytes),
                "ldr r4, [sp, #4]",
                "cmp r2, r4",
                "bne 1b",
                "pop {{r0, r3}}",
                "mov r1, r8",
                "mov r2, r9",
                "mov r3, r10",
                "mov r4, r11",
                "stm r0!, {{r1-r4}}",
                "mov r1, r12",
                "mov r2, lr",
                "stm r0!, {{r1, r2, r6, r7}}",
                "pop {{r4-r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4-r7, pc}}",
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
    add_16,
    panel_16,
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
    add_8,
    panel_8,
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
    add_4,
    panel_4,
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
