//! Prints the forms as a Markdown table.

use std::fs;
use std::process::ExitCode;

use crate::errors;

/// Numbers that the firmware image computes while it counts a form's instructions.
const M4F_NUMBERS: f64 = 128.0;

/// Measures the errors, reads the other figures from three files and prints the table.
pub(crate) fn print(all: bool, files: [&str; 3]) -> ExitCode {
    let mut figures = Vec::new();
    for file in files {
        match read(file) {
            Ok(lines) => figures.push(lines),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "| function | form | error ÷ result | error ÷ \\|x\\| | M4F instructions | baseline, ns | \
         AVX2, ns |\n|---|---|---:|---:|---:|---:|---:|"
    );
    for (number, (form, errors)) in forms::all().zip(errors::measure(all)).enumerate() {
        let cell = |file: usize| figures[file].get(number);
        let speed = |file| match cell(file).map(Vec::as_slice) {
            Some([nanoseconds, ratio]) => format!("{nanoseconds:.2} ({ratio:.2})"),
            _ => "–".to_string(),
        };
        let instructions = match cell(2).map(Vec::as_slice) {
            Some([total]) => format!("{:.1}", total / M4F_NUMBERS),
            _ => "–".to_string(),
        };
        let of_input = if form.function == forms::Function::Gaussian {
            "–".to_string()
        } else {
            error(errors.of_input)
        };
        println!(
            "| {:?} | {}{} | {} | {of_input} | {instructions} | {} | {} |",
            form.function,
            form.name.replace('|', "\\|"),
            if form.shipped { " *" } else { "" },
            error(errors.of_result),
            speed(0),
            speed(1),
        );
    }
    ExitCode::SUCCESS
}

fn error(error: f64) -> String {
    if error < 1.0 { format!("{error:.2e}") } else { "≥ 1".to_string() }
}

/// Returns the figures of each line `form NUMBER FIGURE…`, in order, or nothing for the file `-`.
fn read(file: &str) -> Result<Vec<Vec<f64>>, String> {
    if file == "-" {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let lines: Vec<Vec<f64>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("form "))
        .map(|line| line.split(' ').skip(1).filter_map(|word| word.parse().ok()).collect())
        .collect();
    let forms = forms::all().count();
    if lines.len() == forms {
        Ok(lines)
    } else {
        Err(format!("{file}: expected {forms} lines `form NUMBER …`, found {}", lines.len()))
    }
}
