//! Counts the instructions that each form of `benches/forms` takes for 128 numbers; the script
//! `benches/forms/run` builds it, runs it and puts the counts into a table.

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

    /// A pass of several, so that a tick of the timer is nothing.
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

    /// An even grid from −4 to 4, as hidden units may be, or one of a draw's bits; in a mixed order,
    /// so that two at a time are no neighbours.
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
