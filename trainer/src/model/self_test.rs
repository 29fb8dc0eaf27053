//! The golden steps in a model file. A program checks them with [`flowlet::SelfTest`] when it starts.

use anyhow::{Result, ensure};
use flowlet::{HeapMlp, Noise};

use crate::disk::tensor_file::{Block, TensorFile};

/// The number of golden steps in a file. The last one uses subnormal numbers.
const STEPS: usize = 4;

/// Computes the steps with the runtime, and adds them to a model file.
///
/// # Errors
///
/// Returns an error if the file is not a model.
pub fn add(file: &mut TensorFile) -> Result<()> {
    let mlp = HeapMlp::try_from_safetensors(&file.to_bytes()?)?;
    let steps = Steps::make(&mlp, &affine(file, "condition", mlp.condition_dim())?);
    let (data, condition) = (mlp.data_dim(), mlp.condition_dim());
    let mut insert = |name: &str, shape: &[usize], values: &[f32]| {
        file.tensors.insert(format!("self_test.{name}"), Block::f32(shape, values));
    };
    insert("t", &[STEPS], &steps.t);
    insert("dt", &[STEPS], &steps.dt);
    insert("x", &[STEPS, data], &steps.x);
    if condition > 0 {
        insert("condition", &[STEPS, condition], &steps.condition);
    }
    insert("next", &[STEPS, data], &steps.next(&mlp));
    Ok(())
}

/// Whether the runtime reproduces the bits of the steps in a model file. Returns `None` if there are none.
///
/// # Errors
///
/// Returns an error if the steps' tensors are missing or have the wrong size.
pub fn passes(file: &TensorFile, mlp: &HeapMlp) -> Result<Option<bool>> {
    if !file.tensors.contains_key("self_test.next") {
        return Ok(None);
    }
    let read = |name: &str, columns: usize| -> Result<Vec<f32>> {
        let name = format!("self_test.{name}");
        let values = file.tensor(&name)?.to_f32()?;
        ensure!(
            values.len() == STEPS * columns,
            "tensor {name} has {} values: expected {}",
            values.len(),
            STEPS * columns
        );
        Ok(values)
    };
    let steps = Steps {
        t: read("t", 1)?,
        dt: read("dt", 1)?,
        x: read("x", mlp.data_dim())?,
        condition: match mlp.condition_dim() {
            0 => Vec::new(),
            columns => read("condition", columns)?,
        },
    };
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    Ok(Some(bits(steps.next(mlp)) == bits(read("next", mlp.data_dim())?)))
}

/// The inputs of the steps.
struct Steps {
    t: Vec<f32>,
    dt: Vec<f32>,
    /// `[STEPS][D]`, in flow units.
    x: Vec<f32>,
    /// `[STEPS][C]`, in the user's units.
    condition: Vec<f32>,
}

impl Steps {
    /// Three steps from noise, with conditions distributed like the data's, and one step that starts and ends
    /// at subnormal numbers.
    fn make(mlp: &HeapMlp, (mean, scale): &(Vec<f32>, Vec<f32>)) -> Self {
        let noise = Noise::new(0);
        let (mut x, mut condition) = (Vec::new(), Vec::new());
        for step in 0..STEPS {
            let mut point = vec![0.0; mlp.data_dim()];
            noise.fill(step as u64, &mut point);
            if step == STEPS - 1 {
                // Different subnormals of about 2⁻¹²⁹.
                point.iter_mut().for_each(|x| *x = x.clamp(-2.0, 2.0) * 2.0_f32.powi(-129));
            }
            x.extend(point);
            let mut c = vec![0.0; mlp.condition_dim()];
            noise.fill((STEPS + step) as u64, &mut c);
            condition
                .extend(c.iter().zip(mean).zip(scale).map(|((c, mean), scale)| c * scale + mean));
        }
        let mut steps = Self { t: vec![0.0, 0.25, 0.5, 0.75], dt: vec![0.25; STEPS], x, condition };
        // However large the velocity is, its product with the last step's length is at most about 2⁻¹²⁷.
        let velocities = steps.velocity(mlp);
        let last = &velocities[(STEPS - 1) * mlp.data_dim()..];
        let speed = last.iter().fold(1.0, |fastest: f32, v| fastest.max(v.abs()));
        steps.dt[STEPS - 1] = (2.0_f64.powi(-127) / f64::from(speed)) as f32;
        steps
    }

    fn velocity(&self, mlp: &HeapMlp) -> Vec<f32> {
        let (data, condition) = (mlp.data_dim(), mlp.condition_dim());
        let mut scratch = mlp.scratch();
        (0..STEPS)
            .flat_map(|step| {
                let x = &self.x[step * data..][..data];
                let c = &self.condition[step * condition..][..condition];
                mlp.velocity(self.t[step], x, c, &mut scratch).to_vec()
            })
            .collect()
    }

    /// Returns the points after the steps, `[STEPS][D]`: `x + v·dt`, with each operation rounded.
    fn next(&self, mlp: &HeapMlp) -> Vec<f32> {
        let step = |(i, (x, v)): (usize, (&f32, f32))| x + v * self.dt[i / mlp.data_dim()];
        self.x.iter().zip(self.velocity(mlp)).enumerate().map(step).collect()
    }
}

/// Returns the mean and scale of the units called `name`, `[columns]` each. They are 0 and 1 if the file
/// has none.
pub(crate) fn affine(
    file: &TensorFile,
    name: &str,
    columns: usize,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let read = |part: &str, absent: f32| match file.tensors.get(&format!("{name}.{part}")) {
        Some(block) => block.to_f32(),
        None => Ok(vec![absent; columns]),
    };
    Ok((read("mean", 0.0)?, read("scale", 1.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> TensorFile {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/8gaussians/model.safetensors");
        TensorFile::read(path.as_ref()).unwrap()
    }

    #[test]
    fn the_last_step_starts_and_ends_at_subnormals() {
        let mut file = model();
        add(&mut file).unwrap();
        for name in ["self_test.x", "self_test.next"] {
            let values = file.tensors[name].to_f32().unwrap();
            assert!(values[6..].iter().all(|x| x.is_subnormal()), "{name}: {values:?}");
        }
        assert!(file.tensors["self_test.dt"].to_f32().unwrap()[3].is_subnormal());
    }

    #[test]
    fn a_changed_weight_or_step_is_detected() {
        let mut file = model();
        add(&mut file).unwrap();
        let mlp = HeapMlp::try_from_safetensors(&file.to_bytes().unwrap()).unwrap();
        assert_eq!(passes(&file, &mlp).unwrap(), Some(true));
        for (name, up) in [("net.4.bias", 1000), ("self_test.next", 1), ("self_test.dt", 1)] {
            let mut moved = file.clone();
            let block = &file.tensors[name];
            let mut values = block.to_f32().unwrap();
            let last = values.last_mut().unwrap();
            *last = f32::from_bits(last.to_bits() + up);
            moved.tensors.insert(name.to_string(), Block::f32(block.shape(), &values));
            let mlp = HeapMlp::try_from_safetensors(&moved.to_bytes().unwrap()).unwrap();
            assert_eq!(passes(&moved, &mlp).unwrap(), Some(false), "{name}");
        }
        file.tensors.remove("self_test.next");
        assert_eq!(passes(&file, &mlp).unwrap(), None);
    }
}
