//! The numbers of an integer model in their C arrays.

use anyhow::{Context, Result};
use flowlet::ActivationKind;
use flowlet::fixed::HeapSolver;
use safetensors::tensor::Dtype;

use super::template::Filling;
use super::text::{array, integer};
use crate::quantize::Weights;
use crate::quantize::file::IntegerFile;
use crate::quantize::self_test;
use crate::quantize::tables::{self, Line};

/// Fills in the numbers, and what of the code depends on them.
pub(super) fn fill(filling: &mut Filling, file: &IntegerFile, solver: &HeapSolver) -> Result<()> {
    let (model, shape) = (&file.model, file.model.shape);
    let (d, c, l) = (shape.data_dim, shape.condition_dim, shape.hidden_layers);
    // The loops take four rows at a time, and two, four or eight inputs.
    let (rows, multiple) = match model.weights {
        Weights::I16 => ("model_rows", 4),
        Weights::I8 => ("model_rows_8", 4),
        Weights::I4 => ("model_rows_4", 8),
    };
    let units = shape.hidden_width.next_multiple_of(multiple);
    let (inputs, condition_inputs) = ((1 + d).next_multiple_of(2), c.next_multiple_of(2));
    filling.flag("rows_8", l > 0 && model.weights == Weights::I8);
    filling.flag("rows_4", l > 0 && model.weights == Weights::I4);
    filling.code("ROWS", rows);
    filling.code("UNITS", units);
    filling.code("INPUTS", inputs);
    filling.code("CONDITION_INPUTS", condition_inputs);
    let shift = 20 - i32::from(model.point_bits);
    filling.code("POINT_SHIFT", shift);
    filling.code("POINT_HALF", (1 << shift) >> 1);
    filling.code("FIRST_BITS", less(model.unit_bits[0]));

    let mut code = String::new();
    let mut add = |declaration: &str, shape: &[usize], values: &[i32]| {
        let numbers = values.iter().map(|&x| integer(x));
        code.push_str(&array(declaration, shape, numbers));
    };
    let first = &model.layers[0];
    let row = 1 + d + c;
    let columns = |from: usize, to: usize| -> Vec<i32> {
        first.weight.chunks_exact(row).flat_map(|row| row[from..to].to_vec()).collect()
    };
    add("int32_t model_first_bias", &[units], &filled(&first.bias, units));
    add("int8_t model_first_shift", &[units], &shifts(&first.shift, units));
    if c > 0 {
        let weights = padded(&columns(1 + d, row), c, (units, condition_inputs));
        let sizes = [units, condition_inputs];
        add("int16_t MODEL_ALIGNED model_condition_weights", &sizes, &weights);
    }
    let weights = padded(&columns(0, 1 + d), 1 + d, (units, inputs));
    add("int16_t MODEL_ALIGNED model_first_weights", &[units, inputs], &weights);
    if l > 0 {
        let hidden = &model.layers[1..=l];
        let biases: Vec<i32> = hidden.iter().flat_map(|of| filled(&of.bias, units)).collect();
        let shift: Vec<i32> = hidden.iter().flat_map(|of| shifts(&of.shift, units)).collect();
        let bits: Vec<i32> = model.unit_bits[1..].iter().map(|&bits| less(bits)).collect();
        add("int32_t model_hidden_biases", &[l, units], &biases);
        add("int8_t model_hidden_shifts", &[l, units], &shift);
        add("int8_t model_hidden_bits", &[l], &bits);
        let weights =
            hidden.iter().flat_map(|of| padded(&of.weight, shape.hidden_width, (units, units)));
        let weights: Vec<i32> = weights.collect();
        match model.weights {
            Weights::I16 => {
                add("int16_t MODEL_ALIGNED model_hidden_weights", &[l, units, units], &weights);
            }
            Weights::I8 => {
                let weights: Vec<i32> =
                    weights.chunks_exact(4).flat_map(|w| [w[0], w[2], w[1], w[3]]).collect();
                add("int8_t MODEL_ALIGNED model_hidden_weights", &[l, units, units], &weights);
            }
            Weights::I4 => {
                let words = weights.chunks_exact(8).map(|eight| format!("{:#010x}", word(eight)));
                let declaration = "uint32_t model_hidden_weights";
                code.push_str(&array(declaration, &[l, units, units / 8], words));
            }
        }
    }
    let mut add = |declaration: &str, shape: &[usize], values: &[i32]| {
        let numbers = values.iter().map(|&x| integer(x));
        code.push_str(&array(declaration, shape, numbers));
    };
    let last = &model.layers[l + 1];
    add("int32_t model_last_bias", &[d], &last.bias);
    add("int8_t model_last_shift", &[d], &wide(&last.shift));
    let weights = padded(&last.weight, shape.hidden_width, (d, units));
    add("int16_t MODEL_ALIGNED model_last_weights", &[d, units], &weights);
    let of = &model.data_units;
    add("int32_t model_data_mean", &[d], &of.mean);
    add("int32_t model_data_scale", &[d], &of.scale);
    add("int8_t model_data_shift", &[d], &wide(&of.shift));
    add("int32_t model_data_inverse", &[d], &of.inverse);
    add("int8_t model_data_inverse_shift", &[d], &wide(&of.inverse_shift));
    if !file.columns.is_empty() {
        let kinds: Vec<i32> = file.columns.kinds().iter().map(|&kind| kind.into()).collect();
        let [least, most] = file.columns.bounds();
        add("int32_t model_column_kind", &[d], &kinds);
        add("int32_t model_column_least", &[d], least);
        add("int32_t model_column_most", &[d], most);
    }
    if c > 0 {
        let of = &model.condition_units;
        add("int32_t model_condition_mean", &[c], &of.mean);
        add("int32_t model_condition_scale", &[c], &of.scale);
        add("int8_t model_condition_shift", &[c], &wide(&of.shift));
    }
    let times: Vec<i32> = solver.times().collect();
    add("int32_t model_times", &[times.len()], &times);
    if solver.kind() == flowlet::SolverKind::AdamsBashforth2 {
        add("int32_t model_leans", &[times.len() - 1], &leans(&times));
    }
    let made;
    let tensors = if file.file.tensors.contains_key("self_test.next") {
        &file.file.tensors
    } else {
        made = self_test::tensors(model, &file.floats.units()?);
        &made
    };
    for (name, sizes) in
        [("t", [4, 1]), ("dt", [4, 1]), ("x", [4, d]), ("condition", [4, c]), ("next", [4, d])]
    {
        if sizes[1] == 0 {
            continue;
        }
        let key = format!("self_test.{name}");
        let block = tensors.get(&key).with_context(|| format!("tensor {key} is missing"))?;
        let sizes = if name.ends_with('t') && name.len() < 3 { &sizes[..1] } else { &sizes[..] };
        add(&format!("int32_t model_test_{name}"), sizes, &block.to_i32(Dtype::I32)?);
    }
    let table = table(shape.activation);
    for (name, lines, _) in &table {
        let values: Vec<i32> =
            lines.iter().flat_map(|&(value, slope)| [value.into(), slope.into()]).collect();
        add(&format!("int16_t model_{name}"), &[lines.len(), 2], &values);
    }
    filling.flag("table", !table.is_empty());
    filling.flag(
        "gate",
        matches!(
            shape.activation,
            ActivationKind::Gelu | ActivationKind::GeluTanh | ActivationKind::Silu
        ),
    );
    for (place, (_, lines, segment)) in ["LINES", "POSITIVE_LINES"].into_iter().zip(&table) {
        filling.code(place, lines.len());
        filling.code("SEGMENT", segment);
    }
    filling.code("NUMBERS", code);
    Ok(())
}

/// The tables of an activation: their names in C, and the bits of a segment's arguments.
fn table(kind: ActivationKind) -> Vec<(&'static str, &'static [Line], u32)> {
    match kind {
        ActivationKind::Gelu => vec![("lines", &tables::GELU, 7)],
        ActivationKind::GeluTanh => vec![("lines", &tables::GELU_TANH, 7)],
        ActivationKind::Silu => vec![("lines", &tables::SILU, 7)],
        ActivationKind::Tanh => vec![("lines", &tables::TANH, 7)],
        ActivationKind::Elu => vec![("lines", &tables::ELU, 6)],
        ActivationKind::Selu => vec![("lines", &tables::SELU, 6)],
        ActivationKind::Mish => {
            vec![
                ("lines", &tables::MISH_NEGATIVE, 7),
                ("positive_lines", &tables::MISH_POSITIVE, 7),
            ]
        }
        _ => Vec::new(),
    }
}

/// How many fraction bits fewer than an activation's value a unit has.
fn less(bits: i8) -> i32 {
    11 - i32::from(bits)
}

fn wide(values: &[i8]) -> Vec<i32> {
    values.iter().map(|&value| value.into()).collect()
}

/// Fills up with zeros.
fn filled(values: &[i32], length: usize) -> Vec<i32> {
    let mut values = values.to_vec();
    values.resize(length, 0);
    values
}

/// Fills up with a shift that leaves a sum of 0 at 0.
fn shifts(values: &[i8], length: usize) -> Vec<i32> {
    filled(&wide(values), length)
}

/// Fills up a matrix `[..][inputs]` with zeros to `[rows][columns]`.
fn padded(weights: &[i32], inputs: usize, (rows, columns): (usize, usize)) -> Vec<i32> {
    let mut all = Vec::with_capacity(rows * columns);
    for row in weights.chunks_exact(inputs) {
        all.extend(filled(row, columns));
    }
    filled(&all, rows * columns)
}

/// Returns eight 4-bit weights in a word, each plus 8: those of even inputs in the low half, of odd ones in the high half.
fn word(weights: &[i32]) -> u32 {
    weights.iter().enumerate().fold(0, |word, (k, &weight)| {
        word | ((weight + 8) as u32 & 15) << (16 * (k % 2) + 4 * (k / 2))
    })
}

/// Returns what each step of Adams-Bashforth's method takes of the change of the velocity: `dt² ÷ (2 · dt_before)`, at
/// most 1; 0 for the first step.
fn leans(times: &[i32]) -> Vec<i32> {
    let lengths: Vec<i64> =
        times.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0])).collect();
    let mut leans = vec![0];
    for pair in lengths.windows(2) {
        let (before, dt) = (pair[0], pair[1]);
        leans.push(((dt * dt + before) / (2 * before)).min(1 << 30) as i32);
    }
    leans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bit_weights_lie_in_two_halves_of_a_word() {
        assert_eq!(word(&[-8, -8, -8, -8, -8, -8, -8, -8]), 0);
        assert_eq!(word(&[7, -8, -7, -8, -8, -8, -8, 0]), 0x8000_001f);
    }

    #[test]
    fn a_matrix_is_filled_up_with_zeros() {
        assert_eq!(
            padded(&[1, 2, 3, 4, 5, 6], 3, (4, 4)),
            [1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    }
}
