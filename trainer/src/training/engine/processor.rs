//! Training on the processor, by this crate's kernels.

use anyhow::Result;

use super::interface::{Engine, Known, another_supply};
use crate::network::Network;
use crate::objective::gradient::Gradient;
use crate::optimiser::Adam;
use crate::optimiser::average::Average;
use crate::training::checkpoint::{Checkpoint, State};
use crate::training::phase::Phase;
use crate::training::supply::Supply;

/// A phase on the processor.
pub(in crate::training) struct Processor<'a> {
    phase: &'a Phase,
    network: Network,
    gradient: Gradient,
    optimiser: Adam,
    average: Option<Average>,
    supply: &'a mut (dyn Supply + 'static),
    known: Vec<Known>,
}

impl<'a> Processor<'a> {
    /// Begins a phase, or continues from the checkpoint.
    pub fn new(
        phase: &'a Phase,
        mut network: Network,
        supply: &'a mut (dyn Supply + 'static),
        resumed: Option<&Checkpoint>,
    ) -> Result<Self> {
        let shape = network.shape();
        let mut optimiser = Adam::new(shape.sizes(), phase.adam);
        let mut average = phase.ema.map(|decay| Average::new(network.weights(), decay));
        if let Some(checkpoint) = resumed {
            let state = checkpoint.state(shape)?;
            network = Network::new(shape, state.weights)?;
            optimiser.restore(checkpoint.iteration, state.moments)?;
            if let Some(average) = &mut average {
                average.restore(&state.average)?;
            }
            supply.restore(&checkpoint.supply).map_err(|error| another_supply(&error))?;
        }
        let gradient = Gradient::new(phase.objective.clone(), shape);
        Ok(Self { phase, network, gradient, optimiser, average, supply, known: Vec::new() })
    }
}

impl Engine for Processor<'_> {
    fn wait(&mut self, stops: &dyn Fn() -> bool) -> Result<bool> {
        self.supply.wait(stops)
    }

    fn iterate(&mut self, iteration: usize) -> Result<()> {
        let batch = self.supply.next(&self.network)?;
        let loss = self.gradient.compute(&self.network, &batch)?;
        let learning_rate = self.phase.schedule.at(iteration);
        let weights = self.network.weights_mut();
        let gradient_norm = self.optimiser.step(weights, self.gradient.values(), learning_rate);
        if let Some(average) = &mut self.average {
            average.update(weights, iteration);
        }
        self.known.push(Known { loss, gradient_norm });
        Ok(())
    }

    fn known(&mut self, _: bool) -> Result<Vec<Known>> {
        Ok(std::mem::take(&mut self.known))
    }

    fn held_out_loss(&mut self) -> Result<Option<f64>> {
        let Some(batch) = &self.phase.held_out else { return Ok(None) };
        let network = Network::new(self.network.shape(), self.exported()?)?;
        self.phase.objective.loss(&network, batch).map(Some)
    }

    fn exported(&mut self) -> Result<Vec<f32>> {
        let average = self.average.as_ref().map(Average::values);
        Ok(average.unwrap_or(self.network.weights()).to_vec())
    }

    fn state(&mut self) -> Result<State> {
        Ok(State {
            weights: self.network.weights().to_vec(),
            moments: self.optimiser.moments().clone(),
            average: self.average.as_ref().map_or(Vec::new(), |average| average.values().to_vec()),
        })
    }

    fn supply(&self) -> Result<String> {
        self.supply.state()
    }
}
