//! Training on a card.

use anyhow::{Context, Result, anyhow, ensure};
use flowlet::SolverKind;
use flowlet_gpu::{AT_ONCE, Given, Settings, State as CardState, Step, Task, Trainer};

use super::interface::{Engine, Feed, Known, Place, another_supply};
use super::pools::CardPools;
use crate::coupling::batches::Batch;
use crate::network::Network;
use crate::objective::Objective;
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
    network: Network,
    /// Made with the first batch of a supply, whose size it needs.
    trainer: Option<Trainer>,
    /// The state before the trainer is made.
    start: State,
    /// The rows of a card that draws its batches, until the trainer is made.
    pools: Option<CardPools>,
    place: Place,
    /// `None` if batches are drawn on the card.
    supply: Option<&'a mut (dyn Supply + 'static)>,
    /// Iterations that were begun and whose losses are not known.
    begun: usize,
    known: Vec<Known>,
}

impl<'a> Card<'a> {
    /// Begins a phase, or continues from the checkpoint.
    pub fn new(
        place: Place,
        phase: &'a Phase,
        network: Network,
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
                checkpoint.state(network.shape())?
            }
            None => begin(&network, phase.ema.is_some()),
        };
        let mut card = Self {
            phase,
            network,
            trainer: None,
            start,
            pools,
            place,
            supply,
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
        trainer.set(&to_card(self.start.clone()))?;
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
                    self.network.weights_mut().copy_from_slice(&trainer.weights()?);
                }
                Some(supply.next(&self.network)?)
            }
            None => None,
        };
        if let (None, Some(batch)) = (&self.trainer, &batch) {
            self.open(batch.x_1.rows())?;
        }
        if self.begun == 0 {
            let steps = self.steps(iteration);
            let trainer = self.trainer.as_mut().context("no trainer was made")?;
            trainer.begin(iteration as u64 - 1, &steps)?;
        }
        let trainer = self.trainer.as_mut().context("no trainer was made")?;
        trainer.iterate(batch.as_ref().map(given))?;
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
        match (&mut self.trainer, &self.phase.held_out) {
            (Some(trainer), Some(batch)) => Ok(Some(trainer.loss(given(batch))?)),
            _ => Ok(None),
        }
    }

    fn exported(&mut self) -> Result<Vec<f32>> {
        match &mut self.trainer {
            Some(trainer) => Ok(trainer.exported()?),
            None => Ok(match &self.start {
                State { average, .. } if !average.is_empty() => average.clone(),
                State { weights, .. } => weights.clone(),
            }),
        }
    }

    fn state(&mut self) -> Result<State> {
        match &mut self.trainer {
            Some(trainer) => Ok(from_card(trainer.state()?)),
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

/// A batch as a card takes it.
fn given(batch: &Batch) -> Given<'_> {
    Given { x_0: batch.x_0.values(), x_1: batch.x_1.values(), c: batch.c.values(), t: &batch.t }
}

/// The state of a network whose training begins.
fn begin(network: &Network, averages: bool) -> State {
    let weights = network.weights().to_vec();
    let zeros = || vec![0.0; weights.len()];
    State {
        moments: [zeros(), zeros()],
        average: if averages { weights.clone() } else { Vec::new() },
        weights,
    }
}

fn to_card(State { weights, moments: [m, v], average }: State) -> CardState {
    CardState { weights, m, v, average }
}

fn from_card(CardState { weights, m, v, average }: CardState) -> State {
    State { weights, moments: [m, v], average }
}
