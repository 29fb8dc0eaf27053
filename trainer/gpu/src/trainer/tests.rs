//! The emulated kernels against plain formulas in f64.

use super::*;

const KINDS: [ActivationKind; 8] = [
    ActivationKind::Gelu,
    ActivationKind::GeluTanh,
    ActivationKind::Silu,
    ActivationKind::Selu,
    ActivationKind::Tanh,
    ActivationKind::Relu,
    ActivationKind::Elu,
    ActivationKind::Mish,
];

const DATA: usize = 2;
const CONDITIONS: usize = 1;
const BATCH: usize = 5;

fn settings(activation: ActivationKind, task: Task) -> Settings {
    Settings {
        data: DATA,
        conditions: CONDITIONS,
        layers: vec![[1 + DATA + CONDITIONS, 3], [3, 3], [3, DATA]],
        activation,
        task,
        batch: BATCH,
        gradient_clip: None,
        averages: false,
        seed: 7,
    }
}

/// Numbers between -1 and 1 without a pattern.
fn numbers(seed: f64, count: usize) -> Vec<f32> {
    (0..count).map(|k| ((k as f64 + seed) * 12.9898).sin() as f32).collect()
}

struct Batch {
    x_0: Vec<f32>,
    x_1: Vec<f32>,
    c: Vec<f32>,
    t: Vec<f32>,
}

impl Batch {
    fn new(rows: usize) -> Self {
        Self {
            x_0: numbers(0.1, rows * DATA),
            x_1: numbers(0.2, rows * DATA),
            c: numbers(0.3, rows * CONDITIONS),
            t: numbers(0.4, rows).iter().map(|t| t.abs()).collect(),
        }
    }

    fn given(&self) -> Given<'_> {
        Given { x_0: &self.x_0, x_1: &self.x_1, c: &self.c, t: &self.t }
    }
}

fn activation(kind: ActivationKind, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match kind {
        // By the Taylor series of erf.
        ActivationKind::Gelu => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
        ActivationKind::GeluTanh => {
            x * sigmoid(2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3)))
        }
        ActivationKind::Silu => x * sigmoid(x),
        ActivationKind::Selu if x > 0.0 => 1.0507009873554805 * x,
        ActivationKind::Selu => 1.0507009873554805 * 1.6732632423543772 * x.exp_m1(),
        ActivationKind::Tanh => x.tanh(),
        ActivationKind::Relu => x.max(0.0),
        ActivationKind::Elu if x > 0.0 => x,
        ActivationKind::Elu => x.exp_m1(),
        ActivationKind::Mish => x * x.exp().ln_1p().tanh(),
        _ => unreachable!(),
    }
}

fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    2.0 / std::f64::consts::PI.sqrt() * sum
}

/// The loss of a batch under weights in the order of `State`.
fn loss(settings: &Settings, weights: &[f64], batch: &Batch) -> f64 {
    let answer = |t: f64, x: &[f64], c: &[f32]| {
        let mut h: Vec<f64> =
            [t].into_iter().chain(x.to_vec()).chain(c.iter().map(|&c| c.into())).collect();
        let mut rest = weights;
        for (k, &[inputs, outputs]) in settings.layers.iter().enumerate() {
            let (matrix, after) = rest.split_at(inputs * outputs);
            let (bias, after) = after.split_at(outputs);
            rest = after;
            let z = matrix
                .chunks(inputs)
                .zip(bias)
                .map(|(row, b)| b + row.iter().zip(&h).map(|(w, h)| w * h).sum::<f64>());
            let last = k + 1 == settings.layers.len();
            h = z.map(|z| if last { z } else { activation(settings.activation, z) }).collect();
        }
        h
    };
    let rows = batch.x_1.len() / DATA;
    let mut sum = 0.0;
    for row in 0..rows {
        let of = |values: &[f32]| -> Vec<f64> {
            values[row * DATA..][..DATA].iter().map(|&x| x.into()).collect()
        };
        let (x_0, x_1) = (of(&batch.x_0), of(&batch.x_1));
        let c = &batch.c[row * CONDITIONS..][..CONDITIONS];
        let (found, wanted): (Vec<f64>, Vec<f64>) = match &settings.task {
            Task::Velocity => {
                let t = f64::from(batch.t[row]);
                let x: Vec<f64> =
                    x_0.iter().zip(&x_1).map(|(a, b)| (1.0 - t) * a + t * b).collect();
                (answer(t, &x, c), x_0.iter().zip(&x_1).map(|(a, b)| b - a).collect())
            }
            Task::Endpoint(times) => {
                let mut x = x_0;
                for times in times.windows(2) {
                    let [t, next] = [times[0], times[1]].map(f64::from);
                    let v = answer(t, &x, c);
                    x.iter_mut().zip(v).for_each(|(x, v)| *x += (next - t) * v);
                }
                (x, x_1)
            }
        };
        sum += found.iter().zip(&wanted).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    }
    sum / (rows * DATA) as f64
}

fn count(settings: &Settings) -> usize {
    settings.layers.iter().map(|[inputs, outputs]| (inputs + 1) * outputs).sum()
}

/// A trainer whose weights and averages are not 0, and its state.
fn trainer(settings: &Settings) -> (Trainer, State) {
    let n = count(settings);
    let state = State {
        weights: numbers(1.0, n),
        m: vec![0.0; n],
        v: vec![0.0; n],
        average: if settings.averages { numbers(2.0, n) } else { Vec::new() },
    };
    let mut trainer = Trainer::emulated(settings.clone(), None).unwrap();
    trainer.set(&state).unwrap();
    assert_eq!(trainer.state().unwrap(), state);
    (trainer, state)
}

const STEP: Step = Step { rate: 0.01, scale_v: 2.0, decay: 0.99, average: 0.9 };

fn tasks() -> [Task; 3] {
    [Task::Velocity, Task::Endpoint(vec![0.0, 1.0]), Task::Endpoint(vec![0.0, 0.25, 0.5, 1.0])]
}

#[test]
fn losses_and_gradients_are_those_of_the_formulas() {
    for kind in KINDS {
        for task in tasks() {
            let settings = settings(kind, task);
            let (mut trainer, state) = trainer(&settings);
            let batch = Batch::new(BATCH);
            let weights: Vec<f64> = state.weights.iter().map(|&w| w.into()).collect();
            let expected = loss(&settings, &weights, &batch);
            let apart = (trainer.loss(batch.given()).unwrap() - expected).abs();
            assert!(apart < 1e-5, "{settings:?}: {apart:e}");

            trainer.begin(0, &[STEP]).unwrap();
            trainer.iterate(Some(batch.given())).unwrap();
            let [loss_found, norm] = trainer.finish().unwrap()[0];
            assert!((f64::from(loss_found) - expected).abs() < 1e-5, "{settings:?}");
            let after = trainer.state().unwrap();
            let mut squares = 0.0;
            for k in 0..weights.len() {
                let at = |change: f64| {
                    let mut moved = weights.clone();
                    moved[k] += change;
                    loss(&settings, &moved, &batch)
                };
                let gradient = (at(1e-5) - at(-1e-5)) / 2e-5;
                squares += gradient * gradient;
                // After the first step the first moments are a tenth of the gradient.
                let found = 10.0 * f64::from(after.m[k]);
                assert!((found - gradient).abs() < 2e-5, "{settings:?} {k}: {found} {gradient}");
            }
            assert!((f64::from(norm) - squares.sqrt()).abs() < 1e-4, "{settings:?}: {norm}");
        }
    }
}

#[test]
fn the_step_is_adams() {
    let averages = Settings { averages: true, ..settings(ActivationKind::Gelu, Task::Velocity) };
    for clip in [None, Some(0.05)] {
        let settings = Settings { gradient_clip: clip, ..averages.clone() };
        let (mut trainer, before) = trainer(&settings);
        let batch = Batch::new(BATCH);
        let next = Step { rate: 0.02, scale_v: 1.5, decay: 1.0, average: 0.8 };
        trainer.begin(0, &[STEP, next]).unwrap();
        trainer.iterate(Some(batch.given())).unwrap();
        let first = trainer.state().unwrap();
        trainer.iterate(Some(batch.given())).unwrap();
        let second = trainer.state().unwrap();
        let norm = trainer.finish().unwrap()[1][1];
        assert!(norm > 0.05, "{norm}: expected a gradient that is clipped");
        for (step, before, after) in [(STEP, &before, &first), (next, &first, &second)] {
            let mut length = 0.0;
            for k in 0..before.weights.len() {
                let gradient = (after.m[k] - 0.9 * before.m[k]) / 0.1;
                length += gradient * gradient;
                let v = 0.999 * before.v[k] + 0.001 * gradient * gradient;
                assert!((after.v[k] - v).abs() < 1e-7);
                let change = step.rate * after.m[k] / ((step.scale_v * after.v[k]).sqrt() + 1e-8);
                let weight = step.decay * before.weights[k] - change;
                assert!((after.weights[k] - weight).abs() < 1e-6);
                let average =
                    step.average * before.average[k] + (1.0 - step.average) * after.weights[k];
                assert!((after.average[k] - average).abs() < 1e-6);
            }
            if clip.is_some() {
                assert!((length.sqrt() - 0.05).abs() < 1e-4, "{length}");
            }
        }
    }
}

#[test]
fn a_loss_may_be_of_more_or_fewer_rows_than_a_batch() {
    for task in tasks() {
        let settings = settings(ActivationKind::Gelu, task);
        let (mut trainer, state) = trainer(&settings);
        let weights: Vec<f64> = state.weights.iter().map(|&w| w.into()).collect();
        for rows in [1, BATCH, 2 * BATCH + 3] {
            let batch = Batch::new(rows);
            let expected = loss(&settings, &weights, &batch);
            let apart = (trainer.loss(batch.given()).unwrap() - expected).abs();
            assert!(apart < 1e-5, "{rows} rows: {apart:e}");
        }
    }
}

#[test]
fn paths_end_where_the_loss_expects_them() {
    let times = vec![0.0, 0.25, 0.5, 1.0];
    let settings = settings(ActivationKind::Gelu, Task::Endpoint(times.clone()));
    let (mut trainer, state) = trainer(&settings);
    let weights: Vec<f64> = state.weights.iter().map(|&w| w.into()).collect();
    let batch = Batch::new(2 * BATCH + 3);
    let x_1 = trainer.integrate(&times, &batch.x_0, &batch.c).unwrap();
    assert!(loss(&settings, &weights, &batch) > 0.1);
    assert!(loss(&settings, &weights, &Batch { x_1, ..batch }) < 1e-10);
}

#[test]
fn losses_are_those_of_the_average_where_one_is_kept() {
    let settings = Settings { averages: true, ..settings(ActivationKind::Gelu, Task::Velocity) };
    let (mut trainer, state) = trainer(&settings);
    assert_eq!(trainer.exported().unwrap(), state.average);
    let average: Vec<f64> = state.average.iter().map(|&w| w.into()).collect();
    let batch = Batch::new(BATCH);
    let expected = loss(&settings, &average, &batch);
    assert!((trainer.loss(batch.given()).unwrap() - expected).abs() < 1e-5);
}

/// The inputs of the first layer and the answers that are wanted, of many drawn batches.
fn drawn(pools: Pools<'_>, task: Task, batches: u64) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let settings = Settings { batch: 4000, ..settings(ActivationKind::Relu, task) };
    let mut trainer = Trainer::emulated(settings.clone(), Some(pools)).unwrap();
    let (mut inputs, mut wanted) = (Vec::new(), Vec::new());
    for iteration in 0..batches {
        trainer.begin(iteration, &[STEP]).unwrap();
        trainer.forward(4000, trainer.draw, trainer.memory.weights).unwrap();
        let stride = trainer.stride;
        let rows = trainer.floats(trainer.memory.inputs[0][0], 4000 * stride).unwrap();
        inputs.extend(rows.chunks(stride).map(<[f32]>::to_vec));
        let rows = trainer.floats(trainer.memory.wanted, 4000 * DATA).unwrap();
        wanted.extend(rows.chunks(DATA).map(<[f32]>::to_vec));
    }
    (inputs, wanted)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn drawn_batches_have_their_distributions() {
    // Two rows, told apart by their first coordinate, with conditions that fit.
    let (x, c) = ([1.0, 5.0, 3.0, -5.0], [10.0, 30.0]);
    let pools = Pools { x: &x, c: &c, source: None, times: &Times::Uniform, dropout: 0.25 };
    let (inputs, wanted) = drawn(pools, Task::Velocity, 5);
    let n = inputs.len() as f64;
    let (mut noise, mut rows, mut seen) = (Vec::new(), Vec::new(), [0.0; 2]);
    let mut dropped = 0.0;
    for (inputs, wanted) in inputs.iter().zip(&wanted) {
        let [t, x, c] = [0, 1, 3].map(|k| f64::from(inputs[k]));
        // x_t + (1 - t)·(x_1 - x_0) = x_1
        let end = x + (1.0 - t) * f64::from(wanted[0]);
        let row = if (end - 1.0).abs() < 1e-3 { 0 } else { 1 };
        assert!((end - [1.0, 3.0][row]).abs() < 1e-3, "{end}");
        seen[row] += 1.0 / n;
        assert!(c == 0.0 || c == [10.0, 30.0][row], "{c}");
        dropped += if c == 0.0 { 1.0 / n } else { 0.0 };
        noise.push([end - f64::from(wanted[0]), [5.0, -5.0][row] - f64::from(wanted[1])]);
        rows.push(row);
    }
    // The bounds are five standard deviations away, or more.
    assert!((seen[0] - 0.5).abs() < 0.02, "{seen:?}");
    assert!((dropped - 0.25).abs() < 0.02, "{dropped}");
    for k in 0..DATA {
        let moment = |power| mean(noise.iter().map(|x| x[k].powi(power)));
        assert!(moment(1).abs() < 0.04 && (moment(2) - 1.0).abs() < 0.06, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.4, "{}", moment(4));
    }
    assert!(mean(noise.iter().map(|x| x[0] * x[1])).abs() < 0.04);
    let times: Vec<f64> = inputs.iter().map(|x| x[0].into()).collect();
    assert!(times.iter().all(|t| (0.0..1.0).contains(t)));
    assert!((mean(times.iter().copied()) - 0.5).abs() < 0.012);
    assert!((mean(times.iter().map(|t| t * t)) - 1.0 / 3.0).abs() < 0.012);
    // Noise does not depend on the row or the time.
    for chosen in [0, 1] {
        let those = noise.iter().zip(&rows).filter(|(_, row)| **row == chosen);
        assert!((mean(those.map(|(x, _)| x[0] * x[0])) - 1.0).abs() < 0.08);
    }
    let with_time = noise.iter().zip(&times).map(|(x, t)| x[0] * (t - 0.5));
    assert!(mean(with_time).abs() < 0.012);
    // Another iteration draws other numbers, and the same one the same.
    assert_ne!(inputs[..4000], inputs[4000..8000]);
    assert_eq!(inputs, drawn(pools, Task::Velocity, 5).0);
}

#[test]
fn times_and_sources_are_the_chosen_ones() {
    let (x, c) = ([1.0, 5.0], [10.0]);
    let times = &Times::LogitNormal { mean: 0.5, deviation: 1.5 };
    let pools = Pools { x: &x, c: &c, source: None, times, dropout: 0.0 };
    let (inputs, _) = drawn(pools, Task::Velocity, 4);
    let logits = || inputs.iter().map(|x| (f64::from(x[0]) / (1.0 - f64::from(x[0]))).ln());
    assert!((mean(logits()) - 0.5).abs() < 0.06);
    assert!((mean(logits().map(|z| (z - 0.5).powi(2))) - 2.25).abs() < 0.15);

    let source = [7.0, 8.0, -7.0, -8.0];
    let times = &Times::Rows(vec![0.25, 0.75]);
    let pools = Pools { x: &x, c: &c, source: Some(&source), times, dropout: 0.0 };
    let (inputs, wanted) = drawn(pools, Task::Velocity, 1);
    let mut seen = [[0; 2]; 2];
    for (inputs, wanted) in inputs.iter().zip(&wanted) {
        let time = usize::from(inputs[0] == 0.75);
        let start = usize::from(wanted[0] == 8.0);
        assert_eq!(*wanted, [[-6.0, -3.0], [8.0, 13.0]][start]);
        seen[time][start] += 1;
    }
    assert!(seen.iter().flatten().all(|&count| (850..1150).contains(&count)), "{seen:?}");

    // An endpoint's steps begin at the noise.
    let task = Task::Endpoint(vec![0.125, 1.0]);
    let pools = Pools { times: &Times::Uniform, ..pools };
    let (inputs, wanted) = drawn(pools, task, 1);
    assert!(inputs.iter().all(|x| x[0] == 0.125 && x[1].abs() == 7.0 && x[3] == 10.0));
    assert!(wanted.iter().all(|x| *x == [1.0, 5.0]));
}
