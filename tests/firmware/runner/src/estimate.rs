//! Compares each committed model's instructions with an estimate from the `mixture` model's.

use crate::Row;

/// Prints each committed model's instructions, the estimate, and the model's stack.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "\n{:<30} {:<4} {:<11} {:>9} {:>9} {:>7} {:>6}",
        "target", "opt", "model", "instr.", "estimate", "off", "stack"
    );
    for row in rows {
        let Some(cost) = &row.cost else { continue };
        for model in &cost.models {
            let estimate = cost.estimate(model);
            println!(
                "{:<30} {:<4} {:<11} {:>9} {:>9.0} {:>+6.1}% {:>6}",
                row.target.triple,
                row.level,
                model.name,
                model.instructions,
                estimate,
                100.0 * (estimate / model.instructions as f64 - 1.0),
                model.stack
            );
        }
    }
}
