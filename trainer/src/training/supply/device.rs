//! Batches that are drawn on the device, so that training copies no data to it.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::coupling::batches::BatchesOptions;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::times::Times;
use crate::data::{Matrix, Target};
use crate::network::Network;
use crate::network::storage::tensor;
use crate::objective::Tensors;
use crate::training::supply::Supply;
use crate::training::supply::pool::Pool;

/// Batches of independent pairs, drawn on a device. Noise and times come from the device's generator. Data
/// are random rows of a pool that is copied to the device once: all rows of a file, or up to four million
/// draws of a known distribution.
///
/// Unlike [`Batches`](crate::coupling::batches::Batches), it draws rows with replacement. The batches have
/// the same distribution, but other bytes.
#[derive(Debug)]
pub struct DeviceBatches {
    device: Device,
    source: Option<Pool>,
    target: Pool,
    times: DeviceTimes,
    size: usize,
    label_dropout: f64,
    seed: u64,
    state: State,
    /// Whether the device's generator has been seeded since the start or the last restore.
    seeded: bool,
}

#[derive(Debug)]
enum DeviceTimes {
    Uniform,
    LogitNormal {
        mean: f64,
        std: f64,
    },
    /// A pool of times, `[N][1]`.
    Drawn(Tensor),
}

/// The state of the supply: how many batches have been drawn.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct State {
    drawn: u64,
}

/// The most coordinates in the pool of a known distribution.
const VALUES: usize = 1 << 24;
/// The most rows in the pool of a known distribution.
const ROWS: usize = 1 << 22;

impl DeviceBatches {
    /// Creates the batches of a run with `seed`, on `device`. Ignores the coupling in `options`: pairs are
    /// independent.
    ///
    /// # Errors
    ///
    /// Returns an error if the data do not fit into the device's memory.
    pub fn new(
        mut target: Target,
        options: &BatchesOptions,
        data_dim: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let rows = ROWS.min(VALUES / data_dim.max(1)).max(options.size);
        let points = target.pool(rows);
        let source = match &options.source {
            Source::Normal => None,
            other => {
                let mut rng = generator(seed, Stream::Source);
                let x = match other {
                    Source::Rows(rows) => Matrix::clone(rows),
                    _ => other.draw(rows, data_dim, &mut rng),
                };
                let none = Matrix::new(Vec::new(), x.rows(), 0);
                Some(Pool::new(&x, &none, device)?)
            }
        };
        let times = match options.times {
            Times::Uniform => DeviceTimes::Uniform,
            Times::LogitNormal { mean, std } => {
                DeviceTimes::LogitNormal { mean: mean.into(), std: std.into() }
            }
            Times::Beta { .. } => {
                let times = options.times.draw(ROWS, &mut generator(seed, Stream::Time));
                DeviceTimes::Drawn(tensor(&Matrix::new(times, ROWS, 1), device)?)
            }
        };
        Ok(Self {
            device: device.clone(),
            source,
            target: Pool::new(&points.x, &points.c, device)?,
            times,
            size: options.size,
            label_dropout: options.label_dropout,
            seed,
            state: State::default(),
            seeded: false,
        })
    }

    /// Draws row numbers below `rows`, `[B]`.
    fn rows(&self, rows: usize) -> Result<Tensor> {
        // A float generator may return the end of its range, so the end is slightly below `rows`. Clamping
        // the result instead would copy a number to the device each time.
        let end = rows as f64 * (1.0 - 16.0 * f64::EPSILON);
        let place = Tensor::rand(0.0_f64, end, self.size, &self.device)?;
        Ok(place.floor()?.to_dtype(DType::U32)?)
    }

    fn normal(&self, columns: usize) -> Result<Tensor> {
        Ok(Tensor::randn(0.0_f32, 1.0, (self.size, columns), &self.device)?)
    }

    fn uniform(&self) -> Result<Tensor> {
        Ok(Tensor::rand(0.0_f32, 1.0, (self.size, 1), &self.device)?)
    }

    fn times(&self) -> Result<Tensor> {
        Ok(match &self.times {
            DeviceTimes::Uniform => self.uniform()?,
            DeviceTimes::LogitNormal { mean, std } => {
                let z = self.normal(1)?.affine(-std, -mean)?;
                (z.exp()? + 1.0)?.recip()?
            }
            DeviceTimes::Drawn(times) => times.index_select(&self.rows(times.dim(0)?)?, 0)?,
        })
    }
}

impl Supply for DeviceBatches {
    fn next(&mut self, _: &Network) -> Result<Tensors> {
        if !self.seeded {
            // candle cannot seed its generator on the CPU.
            if !self.device.is_cpu() {
                // After a resume, the numbers of the start must not be repeated.
                let mixed = self.state.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                self.device.set_seed(self.seed ^ mixed)?;
            }
            self.seeded = true;
        }
        let (rows, columns) = self.target.dims()?;
        let [x_1, mut c] = self.target.select(&self.rows(rows)?)?;
        let x_0 = match &self.source {
            None => self.normal(columns)?,
            Some(source) => {
                let [x, _] = source.select(&self.rows(source.dims()?.0)?)?;
                x
            }
        };
        if self.label_dropout > 0.0 && c.elem_count() > 0 {
            // 1 if the random number is at least the rate, else 0.
            let kept = self.uniform()?.affine(1.0, 1.0 - self.label_dropout)?.floor()?;
            c = c.broadcast_mul(&kept)?;
        }
        self.state.drawn += 1;
        Ok(Tensors { x_0, x_1, c, t: Some(self.times()?) })
    }

    fn state(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.state)?)
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        self.state = serde_json::from_str(state)?;
        self.seeded = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coupling::Coupling;
    use crate::data::{Points, Standardization, preset};
    use crate::network::Shape;
    use std::sync::Arc;

    const SIZE: usize = 20_000;

    fn options(times: Times, source: Source, label_dropout: f64) -> BatchesOptions {
        let coupling = Coupling::Independent;
        BatchesOptions { source, coupling, times, size: SIZE, transport_size: 0, label_dropout }
    }

    fn network() -> Network {
        let shape = Shape {
            data_dim: 1,
            condition_dim: 0,
            hidden_width: 2,
            hidden_layers: 0,
            activation: flowlet::ActivationKind::Relu,
        };
        Network::initialize(shape, &mut generator(0, Stream::Weights), &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f64> {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        values.into_iter().map(f64::from).collect()
    }

    fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
        let n = values.len() as f64;
        values.sum::<f64>() / n
    }

    fn mixture(times: Times, label_dropout: f64) -> Tensors {
        let rng = generator(3, Stream::Target);
        let target =
            Target::draws(preset("mixture").unwrap(), true, Standardization::identity(1), rng);
        let options = options(times, Source::Normal, label_dropout);
        DeviceBatches::new(target, &options, 1, 3, &Device::Cpu).unwrap().next(&network()).unwrap()
    }

    #[test]
    fn a_mixture_has_its_weights_and_each_point_its_class() {
        let Tensors { x_0, x_1, c, t } = mixture(Times::Uniform, 0.0);
        let (x_0, x_1, c, t) = (values(&x_0), values(&x_1), values(&c), values(&t.unwrap()));
        assert!(mean(x_0.iter().copied()).abs() < 0.04);
        assert!((mean(x_0.iter().map(|x| x * x)) - 1.0).abs() < 0.06);
        let first: Vec<f64> =
            x_1.iter().zip(c.chunks(2)).filter(|(_, c)| c[0] == 1.0).map(|(x, _)| *x).collect();
        let share = first.len() as f64 / SIZE as f64;
        assert!((share - 0.55).abs() < 0.02, "{share}");
        assert!((mean(first.iter().copied()) + 0.85).abs() < 0.03);
        assert!((mean(t.iter().copied()) - 0.5).abs() < 0.02);
        assert!(t.iter().all(|t| (0.0..=1.0).contains(t)));
        // Pairs are independent.
        let product =
            mean(x_0.iter().zip(&x_1).map(|(a, b)| a * b).collect::<Vec<_>>().into_iter());
        assert!(product.abs() < 0.05, "{product}");
    }

    #[test]
    fn other_times_have_the_distribution_of_the_cpus() {
        for times in
            [Times::LogitNormal { mean: 0.5, std: 1.5 }, Times::Beta { alpha: 2.0, beta: 1.0 }]
        {
            let drawn = values(&mixture(times, 0.0).t.unwrap());
            let expected: Vec<f64> = times
                .draw(SIZE, &mut generator(9, Stream::Time))
                .into_iter()
                .map(f64::from)
                .collect();
            for power in [1, 2] {
                let [a, b] = [&drawn, &expected].map(|t| mean(t.iter().map(|t| t.powi(power))));
                assert!((a - b).abs() < 0.015, "{times:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn labels_are_dropped_at_the_given_rate() {
        let c = values(&mixture(Times::Uniform, 0.25).c);
        let dropped = c.chunks(2).filter(|c| c[0] == 0.0 && c[1] == 0.0).count() as f64;
        assert!((dropped / SIZE as f64 - 0.25).abs() < 0.02, "{dropped}");
    }

    #[test]
    fn all_rows_are_drawn_with_their_own_conditions() {
        let n = 50;
        let column =
            |factor: f32| Matrix::new((0..n).map(|k| k as f32 * factor).collect(), n as usize, 1);
        let points = Points { x: column(1.0), c: column(10.0) };
        let unit = Standardization::identity(1);
        let rng = generator(0, Stream::Target);
        let target = Target::rows(Arc::new(points), unit.clone(), unit, rng);
        let options = options(Times::Uniform, Source::Rows(Arc::new(column(-1.0))), 0.0);
        let mut batches = DeviceBatches::new(target, &options, 1, 3, &Device::Cpu).unwrap();
        let Tensors { x_0, x_1, c, .. } = batches.next(&network()).unwrap();
        let (x_0, x_1, c) = (values(&x_0), values(&x_1), values(&c));
        let mut seen = vec![0; n as usize];
        for ((x_0, x), c) in x_0.iter().zip(&x_1).zip(&c) {
            assert_eq!(*c, 10.0 * x);
            assert!((-49.0..=0.0).contains(x_0));
            seen[*x as usize] += 1;
        }
        // Each row is drawn 400 times on average. The bounds are six standard deviations away.
        assert!(seen.iter().all(|&count| (280..520).contains(&count)), "{seen:?}");
    }

    #[test]
    fn the_state_counts_the_drawn_batches() {
        let rng = generator(3, Stream::Target);
        let moons = preset("moons").unwrap();
        let target = Target::draws(moons, false, Standardization::identity(2), rng);
        let options = options(Times::Uniform, Source::Normal, 0.0);
        let mut batches = DeviceBatches::new(target, &options, 2, 3, &Device::Cpu).unwrap();
        for _ in 0..3 {
            batches.next(&network()).unwrap();
        }
        let state = batches.state().unwrap();
        assert_eq!(state, "{\"drawn\":3}");
        batches.restore(&state).unwrap();
        assert_eq!(batches.state().unwrap(), state);
    }
}
