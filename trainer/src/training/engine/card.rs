//! Training on a card.

use anyhow::{Context, Result, anyhow, bail, ensure};
use candle_core::{Device, Tensor};
use flowlet::SolverKind;
use flowlet_gpu::{AT_ONCE, Given, Settings, State as Weights, Step, Task, Trainer};

use super::interface::{Engine, Feed, Known, Place, another_supply};
use super::pools::CardPools;
use crate::network::Network;
use crate::objective::{Objective, Tensors};
use crate::optimiser::average::decay_at;
use crate::optimiser::corrections;
use crate::training::checkpoint::{Checkpoint, State};
use crate::training::phase::Phase;
use crate::training::supply::Supply;

/// The supply's state in the checkpoints of a card that draws its batches: the iteration says all.
const DRAWN: &str = "drawn on the card";

/// A phase on a card.
pub(in crate::training) struct Card<'a> {
    phase: &'a Phase,
    /// The network. Its weights are set where a batch depends on them.
    network: &'a Network,
    /// Made with the first batch of a supply, whose size it needs.
    trainer: Option<Trainer>,
    /// The state before the trainer is made.
    start: State,
    /// The rows of a card that draws its batches, until the trainer is made.
    pools: Option<CardPools>,
    place: Place,
    /// `None` if batches are drawn on the card.
    supply: Option<&'a mut (dyn Supply + 'static)>,
    held_out: Option<Batch>,
    /// Iterations that were begun and whose losses are not known.
    begun: usize,
    known: Vec<Known>,
}

impl<'a> Card<'a> {
    /// Begins a phase, or continues from the checkpoint.
    pub fn new(
        place: Place,
        phase: &'a Phase,
        network: &'a Network,
        feed: Feed<'a>,
        resumed: Option<&Checkpoint>,
    ) -> Result<Self> {
        ensure!(
            suits_cards(&phase.objective),
            "a card trains endpoints of Euler's steps only: train with --device cpu"
        );
        let (mut supply, pools) = match feed {
            Feed::Supply(supply) => (Some(supply), None),
            Feed::Card(pools) => (None, Some(pools)),
        };
        let start = match resumed {
            Some(checkpoint) => {
                let restored = match &mut supply {
                    Some(supply) => supply.restore(&checkpoint.supply),
                    None if checkpoint.supply == DRAWN => Ok(()),
                    None => Err(anyhow!("expected batches {DRAWN}")),
                };
                restored.map_err(|error| another_supply(&error))?;
                checkpoint.state(network)?
            }
            None => begin(network, phase.ema.is_some())?,
        };
        let mut card = Self {
            phase,
            network,
            trainer: None,
            start,
            pools,
            place,
            supply,
            held_out: phase.held_out.as_ref().map(Batch::new).transpose()?,
            begun: 0,
            known: Vec::new(),
        };
        if let Some(batch) = card.pools.as_ref().map(|pools| pools.batch) {
            card.open(batch)?;
        }
        Ok(card)
    }

    /// Makes the trainer for batches of `batch` rows.
    fn open(&mut self, batch: usize) -> Result<&mut Trainer> {
        let shape = self.network.shape();
        // They are copied to the card, so the processor's memory is freed.
        let pools = self.pools.take();
        let settings = Settings {
            data: shape.data_dim,
            conditions: shape.condition_dim,
            layers: shape.layers(),
            activation: shape.activation,
            task: match &self.phase.objective {
                Objective::Velocity => Task::Velocity,
                Objective::Endpoint(steps) => Task::Endpoint(steps.times.clone()),
            },
            batch,
            gradient_clip: self.phase.adam.gradient_clip,
            averages: self.phase.ema.is_some(),
            seed: pools.as_ref().map_or(0, |pools| pools.seed),
        };
        let pools = pools.as_ref().map(CardPools::pools);
        let mut trainer = match self.place {
            #[cfg(test)]
            Place::Emulated => Trainer::emulated(settings, pools)?,
            _ => Trainer::on_card(settings, pools)?,
        };
        trainer.set(&to_weights(&self.start)?)?;
        Ok(self.trainer.insert(trainer))
    }

    /// The steps of the iterations from `first` on, counted from 1.
    fn steps(&self, first: usize) -> Vec<Step> {
        let Phase { schedule, adam, ema, .. } = self.phase;
        (first..first + AT_ONCE)
            .map(|iteration| {
                let rate = schedule.at(iteration);
                let [scale_m, scale_v] = corrections(iteration);
                Step {
                    rate: (rate * scale_m) as f32,
                    scale_v: scale_v as f32,
                    decay: (1.0 - rate * adam.weight_decay) as f32,
                    average: ema.map_or(0.0, |decay| decay_at(decay, iteration)) as f32,
                }
            })
            .collect()
    }

    /// Waits for the iterations that were begun.
    fn finish(&mut self) -> Result<()> {
        if let (Some(trainer), 1..) = (&mut self.trainer, self.begun) {
            self.known.extend(
                trainer
                    .finish()?
                    .into_iter()
                    .map(|[loss, norm]| Known { loss: loss.into(), gradient_norm: norm.into() }),
            );
            self.begun = 0;
        }
        Ok(())
    }
}

impl Engine for Card<'_> {
    fn wait(&mut self, stops: &dyn Fn() -> bool) -> Result<bool> {
        self.supply.as_mut().map_or(Ok(true), |supply| supply.wait(stops))
    }

    fn iterate(&mut self, iteration: usize) -> Result<()> {
        let batch = match &mut self.supply {
            Some(supply) => {
                if let (true, Some(trainer)) = (supply.asks_network(), &mut self.trainer) {
                    set(self.network, &trainer.weights()?)?;
                }
                Some(Batch::new(&supply.next(self.network)?)?)
            }
            None => None,
        };
        if let (None, Some(batch)) = (&self.trainer, &batch) {
            self.open(batch.rows)?;
        }
        if self.begun == 0 {
            let steps = self.steps(iteration);
            let trainer = self.trainer.as_mut().context("no trainer was made")?;
            trainer.begin(iteration as u64 - 1, &steps)?;
        }
        let trainer = self.trainer.as_mut().context("no trainer was made")?;
        trainer.iterate(batch.as_ref().map(Batch::given))?;
        self.begun += 1;
        if self.begun == AT_ONCE {
            self.finish()?;
        }
        Ok(())
    }

    fn known(&mut self, all: bool) -> Result<Vec<Known>> {
        if all {
            self.finish()?;
        }
        Ok(std::mem::take(&mut self.known))
    }

    fn held_out_loss(&mut self) -> Result<Option<f64>> {
        match (&mut self.trainer, &self.held_out) {
            (Some(trainer), Some(batch)) => Ok(Some(trainer.loss(batch.given())?)),
            _ => Ok(None),
        }
    }

    fn exported(&mut self) -> Result<Vec<Tensor>> {
        match &mut self.trainer {
            Some(trainer) => split(&trainer.exported()?, self.network),
            None => Ok(match &self.start {
                State { average, .. } if !average.is_empty() => average.clone(),
                State { weights, .. } => weights.clone(),
            }),
        }
    }

    fn state(&mut self) -> Result<State> {
        match &mut self.trainer {
            Some(trainer) => from_weights(&trainer.state()?, self.network),
            None => Ok(self.start.clone()),
        }
    }

    fn supply(&self) -> Result<String> {
        self.supply.as_ref().map_or_else(|| Ok(DRAWN.to_owned()), |supply| supply.state())
    }
}

/// Whether a card can be trained with `objective`.
fn suits_cards(objective: &Objective) -> bool {
    match objective {
        Objective::Velocity => true,
        Objective::Endpoint(steps) => steps.kind == SolverKind::Euler,
    }
}

/// A batch's numbers.
struct Batch {
    rows: usize,
    x_0: Vec<f32>,
    x_1: Vec<f32>,
    c: Vec<f32>,
    t: Vec<f32>,
}

impl Batch {
    fn new(tensors: &Tensors) -> Result<Self> {
        Ok(Self {
            rows: tensors.x_1.dim(0)?,
            x_0: numbers(&tensors.x_0)?,
            x_1: numbers(&tensors.x_1)?,
            c: numbers(&tensors.c)?,
            t: tensors.t.as_ref().map_or(Ok(Vec::new()), numbers)?,
        })
    }

    fn given(&self) -> Given<'_> {
        Given { x_0: &self.x_0, x_1: &self.x_1, c: &self.c, t: &self.t }
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// The state of a network whose training begins.
fn begin(network: &Network, averages: bool) -> Result<State> {
    let variables = network.variables();
    let moments = |variable: &candle_core::Var| {
        Tensor::zeros((2, variable.elem_count()), variable.dtype(), &Device::Cpu)
    };
    // Copies, since a variable cannot be set to a tensor that shares its numbers.
    let copies = variables.iter().map(|variable| variable.as_detached_tensor().copy());
    let weights = copies.collect::<candle_core::Result<Vec<_>>>()?;
    Ok(State {
        moments: variables.iter().map(moments).collect::<candle_core::Result<_>>()?,
        average: if averages { weights.clone() } else { Vec::new() },
        weights,
    })
}

fn to_weights(state: &State) -> Result<Weights> {
    let all = |tensors: &[Tensor]| -> Result<Vec<f32>> {
        Ok(tensors.iter().map(numbers).collect::<Result<Vec<_>>>()?.concat())
    };
    let moments = |which: usize| -> Result<Vec<f32>> {
        let parts = state.moments.iter().map(|moments| numbers(&moments.get(which)?));
        Ok(parts.collect::<Result<Vec<_>>>()?.concat())
    };
    Ok(Weights {
        weights: all(&state.weights)?,
        m: moments(0)?,
        v: moments(1)?,
        average: all(&state.average)?,
    })
}

fn from_weights(weights: &Weights, network: &Network) -> Result<State> {
    let flat = |tensor: Tensor| tensor.flatten_all();
    let moments = split(&weights.m, network)?
        .into_iter()
        .zip(split(&weights.v, network)?)
        .map(|(m, v)| Tensor::stack(&[flat(m)?, flat(v)?], 0))
        .collect::<candle_core::Result<_>>()?;
    let average =
        if weights.average.is_empty() { Vec::new() } else { split(&weights.average, network)? };
    Ok(State { weights: split(&weights.weights, network)?, moments, average })
}

/// Splits numbers into tensors as those of the network, in its order.
fn split(values: &[f32], network: &Network) -> Result<Vec<Tensor>> {
    let mut rest = values;
    let mut tensors = Vec::new();
    for variable in network.variables() {
        let Some((own, after)) = rest.split_at_checked(variable.elem_count()) else {
            bail!("the card returned too few weights");
        };
        rest = after;
        tensors.push(Tensor::from_slice(own, variable.shape(), &Device::Cpu)?);
    }
    Ok(tensors)
}

/// Sets the network's weights.
fn set(network: &Network, weights: &[f32]) -> Result<()> {
    for (variable, weights) in network.variables().iter().zip(split(weights, network)?) {
        variable.set(&weights)?;
    }
    Ok(())
}
