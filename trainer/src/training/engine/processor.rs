//! Training on the processor, by this crate's kernels.

use anyhow::Result;
use candle_core::Tensor;

use super::interface::{Engine, Known, another_supply};
use crate::network::Network;
use crate::optimiser::Adam;
use crate::optimiser::average::Average;
use crate::training::checkpoint::{Checkpoint, State};
use crate::training::phase::Phase;
use crate::training::supply::Supply;

/// A phase on the processor.
pub(in crate::training) struct Processor<'a> {
    phase: &'a Phase,
    network: &'a Network,
    optimiser: Adam,
    average: Option<Average>,
    supply: &'a mut (dyn Supply + 'static),
    known: Vec<Known>,
}

impl<'a> Processor<'a> {
    /// Begins a phase, or continues from the checkpoint.
    pub fn new(
        phase: &'a Phase,
        network: &'a Network,
        supply: &'a mut (dyn Supply + 'static),
        resumed: Option<&Checkpoint>,
    ) -> Result<Self> {
        let variables = network.variables();
        let mut optimiser = Adam::new(variables.clone(), phase.adam)?;
        let mut average = match phase.ema {
            Some(decay) => Some(Average::new(variables.clone(), decay)?),
            None => None,
        };
        if let Some(checkpoint) = resumed {
            let state = checkpoint.state(network)?;
            for (variable, weight) in variables.iter().zip(&state.weights) {
                variable.set(weight)?;
            }
            optimiser.restore(checkpoint.iteration, &state.moments)?;
            if let Some(average) = &mut average {
                average.restore(&state.average)?;
            }
            supply.restore(&checkpoint.supply).map_err(|error| another_supply(&error))?;
        }
        Ok(Self { phase, network, optimiser, average, supply, known: Vec::new() })
    }

    /// Copies of the weights, since a variable cannot be set to a tensor that shares its numbers.
    fn weights(&self) -> Result<Vec<Tensor>> {
        let variables = self.network.variables();
        let copies = variables.iter().map(|variable| variable.as_detached_tensor().copy());
        Ok(copies.collect::<candle_core::Result<_>>()?)
    }
}

impl Engine for Processor<'_> {
    fn wait(&mut self, stops: &dyn Fn() -> bool) -> Result<bool> {
        self.supply.wait(stops)
    }

    fn iterate(&mut self, iteration: usize) -> Result<()> {
        let batch = self.supply.next(self.network)?;
        let loss = self.phase.objective.loss(self.network, &batch)?;
        let gradients = loss.backward()?;
        let learning_rate = self.phase.schedule.at(iteration);
        let gradient_norm = self.optimiser.step(&gradients, learning_rate)?;
        if let Some(average) = &mut self.average {
            average.update(iteration)?;
        }
        self.known.push(Known { loss: loss.to_scalar::<f32>()?.into(), gradient_norm });
        Ok(())
    }

    fn known(&mut self, _: bool) -> Result<Vec<Known>> {
        Ok(std::mem::take(&mut self.known))
    }

    fn held_out_loss(&mut self) -> Result<Option<f64>> {
        let Some(batch) = &self.phase.held_out else { return Ok(None) };
        let loss = match &self.average {
            Some(average) => {
                self.phase.objective.loss(&self.network.with(&average.tensors()?)?, batch)?
            }
            None => self.phase.objective.loss(self.network, batch)?,
        };
        Ok(Some(loss.to_scalar::<f32>()?.into()))
    }

    fn exported(&mut self) -> Result<Vec<Tensor>> {
        self.average.as_ref().map_or_else(|| self.weights(), Average::tensors)
    }

    fn state(&mut self) -> Result<State> {
        Ok(State {
            weights: self.weights()?,
            moments: self.optimiser.moments(),
            average: self.average.as_ref().map_or(Ok(Vec::new()), Average::tensors)?,
        })
    }

    fn supply(&self) -> Result<String> {
        self.supply.state()
    }
}
