//! `forms speed` times every form on this processor. `forms table` measures every form's errors, and prints
//! them with the figures from the given files as a table. `benches/forms/run` calls both.

mod errors;
mod speed;
mod table;

use std::process::ExitCode;

const USAGE: &str = "usage: forms speed > FIGURES\n       forms table [--all] BASELINE AVX2 M4F\n\
    --all: errors over all 2^32 inputs (minutes) instead of a sample\n\
    BASELINE, AVX2: files with the output of `forms speed`\n\
    M4F: file with the output of the firmware image `forms`\n\
    A file given as - leaves its column empty";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["speed"] => {
            for (number, speed) in speed::measure().iter().enumerate() {
                println!("form {number} {:.4} {:.4}", speed.nanoseconds, speed.ratio);
            }
            ExitCode::SUCCESS
        }
        ["table", "--all", baseline, avx2, m4f] => table::print(true, [baseline, avx2, m4f]),
        ["table", baseline, avx2, m4f] => table::print(false, [baseline, avx2, m4f]),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}
