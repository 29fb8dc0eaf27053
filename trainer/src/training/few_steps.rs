//! Trains a student that reaches a teacher's endpoints in N steps, and before that the teacher, unless its pairs come
//! from a file.

use anyhow::{Context, Result};
use flowlet::{HeapMlp, SolverKind};

use super::engine::Feed;
use super::phase::{Monitor, Phase, Trained};
use super::run::Run;
use crate::config::FewStepsConfig;
use crate::config::schedule::{Decay, Schedule};
use crate::config::words::{CouplingKind, Keep};
use crate::coupling::Coupling;
use crate::coupling::batches::Batch;
use crate::coupling::dataset::Units;
use crate::coupling::pairs::{Pairs, TeacherPairs};
use crate::data::Points;
use crate::data::random::{Stream, generator};
use crate::disk::names::TEACHER_FILE;
use crate::disk::tensor_file::TensorFile;
use crate::model::description::Description;
use crate::model::tuning::tune;
use crate::model::{Model, export};
use crate::network::{Network, Shape};
use crate::objective::{Objective, Steps};
use crate::optimiser::AdamSettings;
use crate::training::supply::student::{
    OwnEndpoints, OwnEndpointsOptions, PairBatches, PairsOptions, teacher_pairs,
};

/// The solver that the student is trained for.
const KIND: SolverKind = SolverKind::Euler;

/// The number of starting points from which the time grid is fitted.
const TUNED_ON: usize = 2000;

/// The decay of the weights' moving average in the last phase. It smooths the differences between one
/// coupling's pairs and the next one's.
const EMA: f64 = 0.999;

/// The most held-out pairs for the held-out loss.
const HELD_OUT: usize = 4096;

/// Trains the teacher and then its student.
pub(super) fn train(run: &Run<'_>, monitor: &mut dyn Monitor) -> Result<Trained> {
    let begun = run.resumed.map_or(0, |checkpoint| checkpoint.phase);
    let teacher = if begun == 0 {
        let trained = teach(run, monitor)?;
        if trained.stopped {
            return Ok(trained);
        }
        trained.network
    } else {
        let keep = run.keep.context("a resumed run needs its directory")?;
        let teacher = keep.checkpoints.read_teacher()?;
        Model::parse(&teacher.to_bytes()?, TEACHER_FILE.into())?.network()?
    };
    let teacher = runtime_model(&teacher)?;
    let steps = steps(run, &teacher)?;

    student(run, monitor, (1, steps), |network, steps, monitor| {
        distil(run, monitor, &teacher, network, steps)
    })
}

/// Trains the student of a teacher whose pairs come from a file.
pub(super) fn train_on_pairs(
    run: &Run<'_>,
    pairs: &TeacherPairs,
    monitor: &mut dyn Monitor,
) -> Result<Trained> {
    let few_steps = &run.config.few_steps;
    // The teacher's velocities, to which a grid could be fitted, are not known.
    let n = few_steps.steps;
    let times = (0..=n).map(|i| i as f32 / n as f32).collect();
    student(run, monitor, (0, Steps { kind: KIND, times }), |network, steps, monitor| {
        let units = &run.dataset.units;
        let supply = &mut PairBatches::new(
            in_flow_units(&pairs.train, units),
            few_steps.batch_size,
            run.config.seed,
        );
        let held_out = in_flow_units(&pairs.held_out.first(HELD_OUT), units);
        let phase = Phase {
            held_out: (held_out.x_0.rows() > 0).then_some(held_out),
            ..phase(0, steps, few_steps.iterations, few_steps.learning_rate)
        };
        run.phase(&phase, network, Feed::Supply(supply), monitor)
    })
}

/// Trains a student in two phases, the first of which has the number `index`: on its teacher's pairs, by `distil`, and
/// then on the ends of its own paths.
fn student(
    run: &Run<'_>,
    monitor: &mut dyn Monitor,
    (index, steps): (usize, Steps),
    distil: impl FnOnce(Network, &Steps, &mut dyn Monitor) -> Result<Trained>,
) -> Result<Trained> {
    let mut rng = generator(run.config.seed, Stream::Student);
    let mut network = Network::initialize(run.shape(), &mut rng);
    if run.resumed.is_none_or(|checkpoint| checkpoint.phase <= index) {
        let trained = distil(network, &steps, monitor)?;
        if trained.stopped || run.config.own_iterations() == 0 {
            return Ok(Trained { times: Some(steps.times), ..trained });
        }
        network = trained.network;
    }
    let trained = match_data(run, monitor, network, (index + 1, &steps))?;
    Ok(Trained { times: Some(steps.times), ..trained })
}

/// Returns pairs in flow units.
fn in_flow_units(pairs: &Pairs, units: &Units) -> Batch {
    let mut points = Points::clone(&pairs.points);
    units.to_flow(&mut points);
    Batch { x_0: pairs.x_0.clone(), x_1: points.x, c: points.c, t: Vec::new() }
}

/// Trains the teacher, and writes it to the run's directory, so that the run can be resumed later.
fn teach(run: &Run<'_>, monitor: &mut dyn Monitor) -> Result<Trained> {
    let few_steps = &run.config.few_steps;
    let shape = Shape {
        hidden_width: few_steps.teacher_hidden_width,
        hidden_layers: few_steps.teacher_hidden_layers,
        ..run.shape()
    };
    let trained = run.flow(monitor, shape)?;
    if let (Some(keep), false) = (run.keep, trained.stopped) {
        keep.checkpoints.write_teacher(to_file(&trained.network)?)?;
    }
    Ok(trained)
}

/// Returns the model file of a network without conversion of units.
fn to_file(network: &Network) -> Result<TensorFile> {
    let shape = network.shape();
    let units = Units::identity(shape.data_dim, shape.condition_dim);
    export(network, &units, &Description::default())
}

fn runtime_model(network: &Network) -> Result<HeapMlp> {
    HeapMlp::try_from_safetensors(&to_file(network)?.to_bytes()?)
        .context("cannot read the teacher's model")
}

/// Returns the student's steps. If there are several, their times are fitted to the teacher's paths.
fn steps(run: &Run<'_>, teacher: &HeapMlp) -> Result<Steps> {
    let steps = run.config.few_steps.steps;
    if steps == 1 {
        return Ok(Steps { kind: KIND, times: vec![0.0, 1.0] });
    }
    let mut rng = generator(run.config.seed, Stream::Grid);
    let x_0 = run.dataset.source.draw(TUNED_ON, teacher.data_dim(), &mut rng);
    let c = run.dataset.target.reseeded(rng).next_batch(TUNED_ON).c;
    Ok(Steps { kind: KIND, times: tune(teacher, KIND, steps, &x_0, &c)?.times })
}

/// Trains the student on the teacher's pairs of starting point and endpoint.
fn distil(
    run: &Run<'_>,
    monitor: &mut dyn Monitor,
    teacher: &HeapMlp,
    student: Network,
    steps: &Steps,
) -> Result<Trained> {
    let FewStepsConfig { teacher_samples, batch_size, iterations, learning_rate, guidance, .. } =
        run.config.few_steps;
    let options = PairsOptions {
        source: &run.dataset.source,
        target: &run.dataset.target,
        guidance,
        pairs: teacher_samples,
        seed: run.config.seed,
    };
    let pairs = teacher_pairs(teacher, &options)?;
    let mut pairs = PairBatches::new(pairs, batch_size, run.config.seed);
    let phase = phase(1, steps, iterations, learning_rate);
    run.phase(&phase, student, Feed::Supply(&mut pairs), monitor)
}

/// Trains the student so that the distribution of its own endpoints becomes that of the data.
fn match_data(
    run: &Run<'_>,
    monitor: &mut dyn Monitor,
    student: Network,
    (index, steps): (usize, &Steps),
) -> Result<Trained> {
    let few_steps = &run.config.few_steps;
    let coupling = Coupling::new(
        CouplingKind::ConditionalTransport,
        &run.dataset.conditions,
        run.config.train.condition_ratio,
        false,
    )?;
    let mut own = OwnEndpoints::new(OwnEndpointsOptions {
        source: run.dataset.source.clone(),
        target: run.dataset.target.clone(),
        coupling,
        steps: steps.clone(),
        batch_size: few_steps.batch_size,
        transport_size: few_steps.transport_size,
        seed: run.config.seed,
    });
    let phase = phase(index, steps, run.config.own_iterations(), few_steps.own_learning_rate);
    run.phase(&Phase { ema: Some(EMA), ..phase }, student, Feed::Supply(&mut own), monitor)
}

fn phase(index: usize, steps: &Steps, iterations: usize, learning_rate: f64) -> Phase {
    Phase {
        index,
        objective: Objective::Endpoint(steps.clone()),
        schedule: Schedule { learning_rate, decay: Decay::Cosine, warmup: 0, iterations },
        adam: AdamSettings { weight_decay: 0.0, gradient_clip: Some(1.0) },
        ema: None,
        held_out: None,
        keep: Keep::Last,
    }
}
