//! Losses and gradients beside those of candle's own operations.

use anyhow::Result;
use candle_core::{Device, Tensor};
use flowlet::{ActivationKind, Noise, SolverKind};

use super::gradient::Gradient;
use super::{Objective, Steps, endpoint};
use crate::coupling::batches::Batch;
use crate::data::Matrix;
use crate::data::random::{Stream, generator};
use crate::network::by_candle::ByCandle;
use crate::network::{Network, Shape};
use crate::solve::textbook::{self, Space};

fn matrix(seed: u64, rows: usize, columns: usize) -> Matrix {
    let mut values = vec![0.0; rows * columns];
    Noise::new(seed).fill(0, &mut values);
    Matrix::new(values, rows, columns)
}

fn batch(shape: Shape, rows: usize) -> Batch {
    Batch {
        x_0: matrix(1, rows, shape.data_dim),
        x_1: matrix(2, rows, shape.data_dim),
        c: matrix(3, rows, shape.condition_dim),
        t: (0..rows).map(|row| (row as f32 + 0.5) / rows as f32).collect(),
    }
}

fn tensor(matrix: &Matrix) -> Tensor {
    Tensor::from_slice(matrix.values(), (matrix.rows(), matrix.columns()), &Device::Cpu).unwrap()
}

/// candle's network under conditions, one for each row.
struct Field<'a>(&'a ByCandle, &'a Tensor);

impl Space for Field<'_> {
    type Point = Tensor;

    fn velocity(&self, t: f64, x: &Tensor) -> Result<Tensor> {
        let t = Tensor::full(t as f32, (x.dim(0)?, 1), x.device())?;
        Ok(self.0.velocity(&t, x, self.1)?)
    }

    fn moved(&self, x: &Tensor, by: &[(f64, &Tensor)]) -> Result<Tensor> {
        let step = |x: Result<Tensor>, (factor, v): &(f64, &Tensor)| Ok((x? + (*v * *factor)?)?);
        by.iter().fold(Ok(x.clone()), step)
    }
}

/// The loss, and the gradient of all weights, by candle.
fn by_candle(objective: &Objective, network: &Network, batch: &Batch) -> Result<(f64, Vec<f32>)> {
    let candle = ByCandle::new(network)?;
    let [x_0, x_1, c] = [&batch.x_0, &batch.x_1, &batch.c].map(tensor);
    let (predicted, expected) = match objective {
        Objective::Velocity => {
            let t = Tensor::from_slice(&batch.t, (batch.t.len(), 1), &Device::Cpu)?;
            let data = x_1.broadcast_mul(&t)?;
            let x_t = (x_0.broadcast_mul(&t.affine(-1.0, 1.0)?)? + data)?;
            (candle.velocity(&t, &x_t, &c)?, (x_1 - x_0)?)
        }
        Objective::Endpoint(steps) => {
            let field = Field(&candle, &c);
            (textbook::path(&field, steps.kind, &steps.times, x_0)?.pop().unwrap(), x_1)
        }
    };
    let loss = (predicted - expected)?.sqr()?.mean_all()?;
    let gradients = loss.backward()?;
    let mut all = Vec::new();
    for variable in candle.variables() {
        all.extend(gradients.get(variable).unwrap().flatten_all()?.to_vec1::<f32>()?);
    }
    Ok((loss.to_scalar::<f32>()?.into(), all))
}

fn objectives() -> Vec<Objective> {
    let grids = [&[0.0, 1.0][..], &[0.0, 0.3, 1.0], &[0.0, 0.2, 0.5, 1.0]];
    let endpoint =
        |kind| grids.map(|times| Objective::Endpoint(Steps { kind, times: times.to_vec() }));
    let endpoints = SolverKind::ALL.iter().flat_map(|&kind| endpoint(kind));
    std::iter::once(Objective::Velocity).chain(endpoints).collect()
}

#[test]
fn losses_and_gradients_are_candles() {
    for (activation, rows, [data_dim, condition_dim, hidden_width, hidden_layers]) in [
        (ActivationKind::Gelu, 40, [2, 0, 24, 1]),
        (ActivationKind::Silu, 7, [3, 2, 9, 0]),
        (ActivationKind::Mish, 150, [1, 1, 64, 2]),
        (ActivationKind::Gelu, 130, [2, 0, 256, 1]),
    ] {
        let shape = Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation };
        let network = Network::initialize(shape, &mut generator(5, Stream::Weights));
        let batch = batch(shape, rows);
        for objective in objectives() {
            let mut gradient = Gradient::new(objective.clone(), shape);
            let (loss, expected) = by_candle(&objective, &network, &batch).unwrap();
            // The memory of a larger batch is used again.
            gradient.compute(&network, &self::batch(shape, rows + 1)).unwrap();
            let found = gradient.compute(&network, &batch).unwrap();
            assert!((found - loss).abs() < 1e-5 * loss, "{objective:?}: {found} {loss}");
            assert_eq!(objective.loss(&network, &batch).unwrap(), found, "{objective:?}");
            let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            for (k, (found, expected)) in gradient.values().iter().zip(&expected).enumerate() {
                let error = (found - expected).abs() / largest;
                assert!(error < 2e-5, "{objective:?}, {shape:?}, weight {k}: {found} {expected}");
            }
        }
    }
}

#[test]
fn a_path_without_steps_has_no_gradient() {
    let activation = ActivationKind::Relu;
    let shape =
        Shape { data_dim: 1, condition_dim: 0, hidden_width: 4, hidden_layers: 0, activation };
    let network = Network::initialize(shape, &mut generator(5, Stream::Weights));
    let steps = Steps { kind: SolverKind::Euler, times: vec![0.0] };
    let batch = batch(shape, 3);
    assert_eq!(endpoint(&network, &steps, &batch.x_0, &batch.c).unwrap(), batch.x_0);
    let mut gradient = Gradient::new(Objective::Endpoint(steps), shape);
    assert!(gradient.compute(&network, &batch).unwrap() > 0.0);
    assert!(gradient.values().iter().all(|&value| value == 0.0));
}

#[test]
fn a_batch_of_other_sizes_is_refused() {
    let activation = ActivationKind::Relu;
    let shape =
        Shape { data_dim: 2, condition_dim: 1, hidden_width: 4, hidden_layers: 0, activation };
    let network = Network::initialize(shape, &mut generator(5, Stream::Weights));
    let good = batch(shape, 3);
    let refused = |batch: Batch| {
        let error = Objective::Velocity.loss(&network, &batch).unwrap_err().to_string();
        let mut gradient = Gradient::new(Objective::Velocity, shape);
        assert_eq!(gradient.compute(&network, &batch).unwrap_err().to_string(), error);
        error
    };
    assert_eq!(
        refused(Batch { x_1: matrix(1, 3, 1), ..good.clone() }),
        "x_1 of a batch: expected [3, 2], found [3, 1]"
    );
    assert_eq!(
        refused(Batch { c: matrix(1, 2, 1), ..good.clone() }),
        "c of a batch: expected [3, 1], found [2, 1]"
    );
    assert_eq!(
        refused(Batch { t: vec![], ..good }),
        "flow matching needs a time for each of 3 rows, found 0"
    );
}
