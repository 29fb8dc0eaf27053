//! The numbers of a float model in their C arrays.

use anyhow::{Context, Result};
use flowlet::HeapSolver;

use super::text::{array, float};
use crate::model::{Model, self_test};

/// The outputs in a panel: their weights for an input lie side by side.
const PANEL: usize = 16;

/// The numbers of a model.
pub(super) struct Numbers {
    pub(super) code: String,
    /// Whether the times are those of the uniform grid, which the code computes.
    pub(super) uniform: bool,
}

pub(super) fn numbers(model: &Model, solver: &HeapSolver) -> Result<Numbers> {
    let shape = model.shape();
    let (d, c, h, l) =
        (shape.data_dim, shape.condition_dim, shape.hidden_width, shape.hidden_layers);
    let tensor = |name: String| -> Result<Vec<f32>> {
        let found = model.file.tensor(&name)?.to_f32();
        found.with_context(|| format!("tensor {name}"))
    };
    let weight = |k: usize| tensor(format!("net.{}.weight", 2 * k));
    let bias = |k: usize| tensor(format!("net.{}.bias", 2 * k));
    let mut code = String::new();
    let mut add = |name: &str, shape: &[usize], values: &[f32]| {
        code.push_str(&array(
            &format!("float model_{name}"),
            shape,
            values.iter().map(|&x| float(x)),
        ));
    };
    let first = weight(0)?;
    let columns = |from: usize, to: usize| -> Vec<f32> {
        first.chunks_exact(1 + d + c).flat_map(|row| row[from..to].to_vec()).collect()
    };
    add("first_bias", &[h], &bias(0)?);
    if c > 0 {
        add("condition_weights", &[c * h], &panels(&columns(1 + d, 1 + d + c), c));
    }
    add("first_weights", &[(1 + d) * h], &panels(&columns(0, 1 + d), 1 + d));
    if l > 0 {
        let (mut biases, mut weights) = (Vec::new(), Vec::new());
        for k in 1..=l {
            biases.extend(bias(k)?);
            weights.extend(panels(&weight(k)?, h));
        }
        add("hidden_biases", &[l, h], &biases);
        add("hidden_weights", &[l, h * h], &weights);
    }
    add("last_bias", &[d], &bias(l + 1)?);
    add("last_weights", &[d * h], &panels(&weight(l + 1)?, h));
    let units = model.units()?;
    add("data_mean", &[d], &units.data.mean);
    add("data_scale", &[d], &units.data.scale);
    if !model.columns.is_empty() {
        let [least, most] = model.columns.bounds();
        add("column_least", &[d], least);
        add("column_most", &[d], most);
    }
    if c > 0 {
        add("condition_mean", &[c], &units.condition.mean);
        add("condition_scale", &[c], &units.condition.scale);
    }
    let times: Vec<f32> = solver.times().collect();
    let steps = (times.len() - 1).try_into()?;
    let uniform = HeapSolver::uniform(solver.kind(), steps).times().eq(times.iter().copied());
    if !uniform {
        add("times", &[times.len()], &times);
    }
    let mut file = model.file.clone();
    if !file.tensors.contains_key("self_test.next") {
        self_test::add(&mut file)?;
    }
    let test =
        |name: &str| -> Result<Vec<f32>> { file.tensor(&format!("self_test.{name}"))?.to_f32() };
    let t = test("t")?;
    add("test_t", &[t.len()], &t);
    add("test_dt", &[t.len()], &test("dt")?);
    if c > 0 {
        add("test_condition", &[t.len(), c], &test("condition")?);
    }
    if !model.columns.is_empty() {
        let kinds = model.columns.kinds().iter().map(ToString::to_string);
        code.push_str(&array("uint32_t model_column_kind", &[d], kinds));
    }
    // As bits, because one of the steps has subnormal numbers.
    for name in ["x", "next"] {
        let bits = test(name)?.into_iter().map(|x| format!("{:#010x}", x.to_bits()));
        let declaration = format!("uint32_t model_test_{name}");
        code.push_str(&array(&declaration, &[t.len(), d], bits));
    }
    Ok(Numbers { code, uniform })
}

/// Converts a matrix `[outputs][inputs]` to panels: `[inputs][16]` for each 16 outputs, then `[inputs]` for each output
/// that is left over.
fn panels(weights: &[f32], inputs: usize) -> Vec<f32> {
    let outputs = weights.len() / inputs;
    let mut packed = Vec::with_capacity(weights.len());
    let mut first = 0;
    while first < outputs {
        let width = if outputs - first >= PANEL { PANEL } else { 1 };
        for input in 0..inputs {
            packed.extend((first..first + width).map(|output| weights[output * inputs + input]));
        }
        first += width;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_becomes_panels_of_sixteen_outputs_and_of_one() {
        let weights: Vec<f32> = (0..34).map(|k| k as f32).collect();
        let packed = panels(&weights, 2);
        // Column 0 of outputs 0 to 15, column 1 of them, then output 16.
        assert_eq!(packed[..3], [0.0, 2.0, 4.0]);
        assert_eq!(packed[16..18], [1.0, 3.0]);
        assert_eq!(packed[32..], [32.0, 33.0]);
    }
}
