//! The forms have the errors that the table states, and the shipped ones have the runtime's bits.

use forms::{FORMS, Truth, Worst};

/// Returns 2¹⁷ bit patterns spread over all, and the numbers from −16 to 16 in steps of 2⁻¹².
fn sample() -> Vec<u32> {
    let spread = (0..1_u32 << 17).map(|k| k.wrapping_mul(32_771));
    let grid = (-(1 << 16)..=1 << 16).map(|k: i32| (k as f32 / 4096.0).to_bits());
    spread.chain(grid).collect()
}

#[test]
fn errors_do_not_exceed_the_table() {
    let bits = sample();
    let mut found = vec![0.0; bits.len()];
    for forms in FORMS {
        let function = forms[0].function;
        let truths: Vec<Truth> = bits.iter().map(|&bits| Truth::new(function, bits)).collect();
        for form in forms {
            (form.slice)(&bits, &mut found);
            let mut worst = Worst::default();
            worst.take(&found, &truths);
            let (found, stated) = (worst.errors(), form.errors);
            let holds = found.of_result <= stated.of_result && found.of_input <= stated.of_input;
            assert!(holds, "{function:?}, {}: {found:?}", form.name);
        }
    }
}

/// The shipped forms' bits are the runtime's, but for those of a NaN.
fn check_transcriptions(bits: &[u32]) {
    let canonical = |x: f32| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
    let mut found = vec![0.0; bits.len()];
    for form in forms::all().filter(|form| form.shipped) {
        (form.slice)(bits, &mut found);
        for (&bits, &found) in bits.iter().zip(&found) {
            let expected = canonical(form.function.shipped(bits));
            assert_eq!(canonical(found), expected, "{:?}, {}: {bits:#x}", form.function, form.name);
        }
    }
}

#[test]
fn the_transcriptions_give_the_runtimes_bits() {
    check_transcriptions(&sample());
}

#[test]
#[ignore = "all 2³² inputs: minutes in release"]
fn the_transcriptions_give_the_runtimes_bits_for_all_inputs() {
    const AT_ONCE: u32 = 1 << 16;
    let threads: u32 = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for block in (thread..u32::MAX / AT_ONCE + 1).step_by(threads as usize) {
                    let first = block * AT_ONCE;
                    check_transcriptions(&Vec::from_iter(first..=first + (AT_ONCE - 1)));
                }
            });
        }
    });
}

#[test]
fn each_functions_first_form_is_the_shipped_one() {
    for forms in FORMS {
        assert!(forms[0].shipped);
        assert!(forms.iter().all(|form| form.function == forms[0].function));
    }
}
