//! The C header and source of a model.

use anyhow::{Result, ensure};
use flowlet::{ActivationKind, SolverKind};

use super::choice::SolverChoice;
use super::name::Name;
use super::template::{self, Filling};
use super::text::comment;
use super::{float, integer};
use crate::disk::quote::listed;
use crate::model::{Model, cost};
use crate::quantize::file::IntegerFile;

/// A model in C, and what an example needs to know of it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) header: String,
    pub(super) code: String,
    /// The type of a number: `float` or `int32_t`.
    pub(super) number: &'static str,
    pub(super) conditions: usize,
    /// What a number of data units is to be divided by.
    pub(super) data_unit: f64,
    /// What the model is, in a line.
    pub(super) title: String,
}

/// The most steps of an exported path: their times are in flash.
const MOST_STEPS: usize = 10_000;

pub(super) fn float_source(model: &Model, name: &Name, choice: SolverChoice) -> Result<Source> {
    let solver = model.solver(choice.kind, choice.steps)?;
    let mut filling = filling(model, solver.kind(), solver.steps())?;
    filling.flag("float", true);
    filling.code("READ", "MODEL_READ");
    filling.code("KIND", "uint32_t");
    filling.code("UNIT", "1.0f");
    filling.flag("rounds", has_whole_numbers(model));
    filling.code("number", "float");
    filling.code("ONE", "1");
    filling.code("WEIGHT", "");
    filling.code("CONDITION_FORMAT", "");
    filling.code("FINGERPRINT", format!("{:#018x}", model.mlp.fingerprint()));
    let numbers = float::numbers(model, &solver)?;
    filling.flag("uniform", numbers.uniform);
    filling.code("NUMBERS", numbers.code);
    let shape = model.shape();
    let buffers = 4 * (2 * shape.hidden_width + 16);
    let chips = ["thumbv6m", "thumbv7em", "riscv32imafc"];
    let estimates = cost::estimates(&shape)?;
    let chips = estimates
        .iter()
        .filter(|one| one.opt == "s" && chips.iter().any(|chip| one.target.starts_with(chip)));
    let chips: Vec<String> =
        chips.map(|one| format!(" *   {:<30} {:>10}", one.target, one.instructions)).collect();
    filling.flag("cost", true);
    filling.text("COST", chips.join("\n"));
    finish(&filling, template::FLOAT, name, model, (cost::weights(&shape), buffers), 1.0)
}

pub(super) fn integer_source(
    file: &IntegerFile,
    name: &Name,
    choice: SolverChoice,
) -> Result<Source> {
    let model = &file.floats;
    let solver = file.solver(choice.kind, choice.steps)?;
    let mut filling = filling(model, solver.kind(), solver.steps())?;
    filling.flag("integer", true);
    let bits = file.mlp.data_bits();
    filling.code("READ", "MODEL_READ_32");
    filling.code("KIND", "int32_t");
    // A unit that 32 bits cannot hold is the nearest number that they can.
    let unit = if bits < 0 { 0 } else { 1_i64 << bits.min(40) };
    filling.code("UNIT", unit.min(i32::MAX.into()));
    filling.flag("rounds", bits > 0 && has_whole_numbers(model));
    filling.code("number", "int32_t");
    filling.code("ONE", "2^30");
    filling.code("WEIGHT", " with 16 fraction bits");
    filling.code("CONDITION_FORMAT", " times 2^MODEL_CONDITION_BITS");
    filling.code("FINGERPRINT", format!("{:#018x}", file.mlp.fingerprint()));
    filling.code("DATA_BITS", file.mlp.data_bits());
    filling.code("CONDITION_BITS", file.mlp.condition_bits());
    integer::fill(&mut filling, file, &solver)?;
    let shape = model.shape();
    let buffers = 2 * 2 * shape.hidden_width + 16;
    let unit = 2.0_f64.powi(file.mlp.data_bits());
    finish(&filling, template::INTEGER, name, model, (file.model.bytes(), buffers), unit)
}

/// Fills in what both kinds of model have.
fn filling(model: &Model, solver: SolverKind, steps: usize) -> Result<Filling> {
    ensure!(
        steps <= MOST_STEPS,
        "{steps} steps: expected at most {MOST_STEPS} in exported code: choose fewer with --steps"
    );
    let shape = model.shape();
    let mut filling = Filling::default();
    let conditional = shape.condition_dim > 0;
    let exponential = match shape.activation {
        ActivationKind::GeluTanh | ActivationKind::Silu | ActivationKind::Mish => Some("exp"),
        ActivationKind::Tanh | ActivationKind::Elu | ActivationKind::Selu => Some("expm1"),
        _ => None,
    };
    filling.flag("exponential", exponential.is_some());
    filling.flag(exponential.unwrap_or_default(), true);
    filling.flag(shape.activation.name(), true);
    filling.flag(solver.name(), true);
    filling.flag("condition", conditional);
    filling.flag("guidance", model.takes_guidance());
    filling.flag("hidden", shape.hidden_layers > 0);
    filling.flag("columns", !model.columns.is_empty());
    filling.flag("categories", model.columns.kinds().iter().any(|&kind| kind > 1));
    filling.code("FIELD", if conditional { "const model_field *field, " } else { "" });
    filling.code("field", if conditional { "field, " } else { "" });
    let evaluate = if conditional { "model_field_velocity(field, " } else { "model_evaluate(" };
    filling.code("EVALUATE", evaluate);
    filling.code("PREFIX", if conditional { "const $number$ *prefix, " } else { "" });
    filling.code("CONDITION", if conditional { " const $number$ *condition," } else { "" });
    filling.code("condition", if conditional { " condition," } else { "" });
    filling.code("LAST_CONDITION", if conditional { ", const $number$ *condition" } else { "" });
    filling.code("D", shape.data_dim);
    filling.code("C", shape.condition_dim);
    filling.code("H", shape.hidden_width);
    filling.code("L", shape.hidden_layers);
    filling.code("N", steps);
    filling.code("EVALUATIONS", steps * solver.evaluations());
    let method = match solver {
        SolverKind::Euler => "Euler's method",
        SolverKind::Midpoint => "the midpoint method",
        SolverKind::Heun => "Heun's method",
        SolverKind::Rk4 => "the classical Runge-Kutta method",
        SolverKind::AdamsBashforth2 => "the two-step Adams-Bashforth method",
        kind => unreachable!("the trainer does not know the method {kind}"),
    };
    filling.code("METHOD", method);
    filling.text("SOLVER", format!("Solver: {method}, {steps} steps from noise to data."));
    filling.text("VERSION", env!("CARGO_PKG_VERSION"));
    filling.text("COLUMNS", comment(&listed(&model.data_columns())));
    let conditions = model.condition_columns();
    let conditions: Vec<String> = conditions.iter().map(described).collect();
    filling.text("CONDITIONS", comment(&conditions.join(", ")));
    filling.text(
        "SHAPE",
        format!(
            "A network of {} inputs, {} hidden units in {} layers ({}), {} outputs.",
            1 + shape.data_dim + shape.condition_dim,
            shape.hidden_width,
            shape.hidden_layers + 1,
            shape.activation,
            shape.data_dim
        ),
    );
    Ok(filling)
}

fn has_whole_numbers(model: &Model) -> bool {
    model.columns.kinds().contains(&1)
}

/// Describes a condition column; one of categories takes a number for each.
fn described(column: &crate::data::ConditionColumn) -> String {
    match &column.categories {
        Some(categories) => {
            format!("{} (1 for its category, else 0: {})", column.name, listed(categories))
        }
        None => column.name.clone(),
    }
}

fn finish(
    filling: &Filling,
    template: &str,
    name: &Name,
    model: &Model,
    (weights, buffers): (usize, usize),
    data_unit: f64,
) -> Result<Source> {
    let number = if template == template::FLOAT { "float" } else { "int32_t" };
    let kind = if template == template::FLOAT { "floats" } else { "whole numbers" };
    let title = format!("{}: a flow-matching model in {kind}", name.lower());
    let mut filling = filling.clone();
    filling.code("number", number);
    filling.text("TITLE", &title);
    filling.text(
        "SIZE",
        format!("Weights: {weights} bytes of flash. Buffers: about {buffers} bytes of stack."),
    );
    Ok(Source {
        header: filling.render(template::HEADER, name),
        code: filling.render(template, name),
        number,
        conditions: model.shape().condition_dim,
        data_unit,
        title,
    })
}
