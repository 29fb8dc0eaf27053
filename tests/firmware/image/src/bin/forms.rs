//! Counts the instructions that each form of `benches/forms` takes for 128 numbers. `benches/forms/run` builds
//! and runs this program, and puts the counts into a table.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use forms::{Form, Function};
    use image::machine::{instructions, println};

    image::entry!(run);

    const NUMBERS: usize = 128;

    fn run() -> bool {
        for (number, form) in forms::all().enumerate() {
            println!("form {number} {}", count(form));
        }
        true
    }

    /// Returns the instructions of one pass over the numbers: the mean of 64, so that the timer's tick does not
    /// matter.
    fn count(form: &Form) -> u64 {
        const PASSES: u64 = 64;
        let inputs = inputs(form.function);
        let mut out = [0.0; NUMBERS];
        let all = instructions(|| {
            for _ in 0..PASSES {
                (black_box(form.slice))(black_box(&inputs), &mut out);
                black_box(&out);
            }
        });
        all / PASSES
    }

    /// Returns numbers evenly spaced from −4 to 4, like hidden units, or evenly spaced bits for a draw. Their
    /// order is mixed, since some forms take two numbers at a time.
    fn inputs(function: Function) -> [u32; NUMBERS] {
        core::array::from_fn(|k| {
            let k = (k * 37 % NUMBERS) as u32;
            match function {
                Function::Gaussian => (k << 25) | (1 << 24),
                _ => ((k as f32 + 0.5) / 16.0 - 4.0).to_bits(),
            }
        })
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        println!("{info}");
        semihosting::process::exit(101)
    }
}

#[cfg(not(target_os = "none"))]
fn main() {}
