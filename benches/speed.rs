//! Sampling times of flowlet, in floats or in whole numbers, or of candle, as a line of JSON for benches/peers/sampling.py. `many` is the seconds
//! for 100,000 samples in 50 steps, `one` those for one sample in 15 steps, both of weights/mixture by
//! Euler's method. `peak` is one core's peak in floating-point operations per second.
//!
//! ```sh
//! cargo bench --bench speed -- flowlet 1
//! cargo bench --bench speed -- candle 2
//! ```

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use candle_core::{Device, Tensor};
use flowlet::{Euler, HeapSolver, Mlp, SolverKind, fixed};
use flowlet_trainer::data::Matrix;
use flowlet_trainer::judge::speed;
use flowlet_trainer::model::Model;
use flowlet_trainer::network::by_candle::ByCandle;
use flowlet_trainer::quantize;
use flowlet_trainer::solve::sampling;

static MIXTURE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/mixture/model.safetensors"));

static MIXTURE_I16: fixed::Mlp<1, 0, 64, 1> =
    fixed::Mlp::from_safetensors(include_bytes!("../weights/mixture-i16/model.safetensors"));

const SAMPLES: usize = 100_000;
const STEPS: usize = 50;
const ONE_STEPS: usize = 15;
/// Rows in candle's batches: it is faster in batches that fit into the cache.
const CHUNK: usize = 4096;

/// Returns the seconds of the fastest call.
fn least(run: impl FnMut() -> Result<()>) -> Result<f64> {
    let seconds = speed::seconds(Duration::from_millis(1500), run)?;
    Ok(seconds.into_iter().fold(f64::INFINITY, f64::min))
}

fn flowlet(model: &Model) -> Result<[f64; 2]> {
    let x_0 = sampling::noise(0, SAMPLES, 1);
    let none = Matrix::new(Vec::new(), SAMPLES, 0);
    let solver = HeapSolver::uniform(SolverKind::Euler, STEPS.try_into()?);
    let many = least(|| {
        black_box(sampling::sample(&model.mlp, &solver, &x_0, &none));
        Ok(())
    })?;
    // One sample alone is too short for the clock.
    let one = least(|| {
        for _ in 0..100 {
            black_box(Euler::<ONE_STEPS>::UNIFORM.sample(&MIXTURE, black_box([0.85]), []));
        }
        Ok(())
    })?;
    Ok([many, one / 100.0])
}

fn integers() -> Result<[f64; 2]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mixture-i16/model.safetensors");
    let mlp = fixed::HeapMlp::try_from_safetensors(&std::fs::read(path)?)?;
    let x_0 = quantize::sampling::noise_from(0, 0, SAMPLES, 1);
    let none = Matrix::new(Vec::new(), SAMPLES, 0);
    let solver = fixed::HeapSolver::try_uniform(SolverKind::Euler, STEPS.try_into()?)?;
    let many = least(|| {
        black_box(quantize::sampling::sample(&mlp, &solver, &x_0, &none));
        Ok(())
    })?;
    let one = least(|| {
        for _ in 0..100 {
            let x_0 = black_box([850_000]);
            black_box(fixed::Euler::<ONE_STEPS>::UNIFORM.sample(&MIXTURE_I16, x_0, []));
        }
        Ok(())
    })?;
    Ok([many, one / 100.0])
}

fn candle(model: &Model) -> Result<[f64; 2]> {
    let network = ByCandle::new(&model.network()?)?;
    let sample = |x: &Tensor, steps: usize| -> Result<()> {
        // Detached, so that candle does not record the operations for a gradient.
        let (rows, c) = (x.dim(0)?, Tensor::zeros((x.dim(0)?, 0), x.dtype(), x.device())?);
        let mut x = x.detach();
        for i in 0..steps {
            let t = Tensor::full(i as f32 / steps as f32, (rows, 1), x.device())?;
            let v = network.velocity(&t, &x, &c)?.detach();
            x = (x + (v / steps as f64)?)?;
        }
        black_box(x);
        Ok(())
    };
    let x_0 = sampling::noise(0, SAMPLES, 1);
    let x_0 = Tensor::from_slice(x_0.values(), (SAMPLES, 1), &Device::Cpu)?;
    let many = least(|| {
        (0..SAMPLES).step_by(CHUNK).try_for_each(|at| {
            sample(&x_0.narrow(0, at, CHUNK.min(SAMPLES - at))?.contiguous()?, STEPS)
        })
    })?;
    let one = least(|| sample(&x_0.narrow(0, 0, 1)?, ONE_STEPS))?;
    Ok([many, one])
}

fn main() -> Result<()> {
    let arguments: Vec<String> =
        std::env::args().filter(|argument| argument != "--bench").collect();
    let [_, system, threads] = &arguments[..] else {
        bail!("usage: cargo bench --bench speed -- flowlet|flowlet-i16|candle THREADS");
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    let model = Model::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mixture"))?;
    let [many, one] = match &system[..] {
        "flowlet" => flowlet(&model)?,
        "flowlet-i16" => integers()?,
        "candle" => candle(&model)?,
        other => bail!("unknown system {other}: expected flowlet, flowlet-i16 or candle"),
    };
    println!("{}", serde_json::json!({ "many": many, "one": one, "peak": speed::peak() }));
    Ok(())
}
