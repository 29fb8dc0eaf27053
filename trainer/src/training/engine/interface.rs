//! What an engine does, and what it gets.

use anyhow::{Result, anyhow};

use super::pools::CardPools;
use crate::training::checkpoint::State;
use crate::training::supply::Supply;

/// Where a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::training) enum Place {
    /// The processor: the same configuration gives the same bytes.
    Processor,
    /// An NVIDIA GPU.
    Card,
    /// The card's path on the processor, for tests.
    #[cfg(test)]
    Emulated,
}

/// Where a phase's batches come from.
pub(in crate::training) enum Feed<'a> {
    /// They are made on the processor.
    Supply(&'a mut (dyn Supply + 'static)),
    /// They are drawn on the card.
    Card(CardPools),
}

/// What is known of an iteration.
#[derive(Clone, Copy, Debug)]
pub(in crate::training) struct Known {
    pub loss: f64,
    /// The norm of the gradient before it was clipped.
    pub gradient_norm: f64,
}

/// Carries out the iterations of a phase.
pub(in crate::training) trait Engine {
    /// Waits for the next batch as [`Supply::wait`] does.
    fn wait(&mut self, stops: &dyn Fn() -> bool) -> Result<bool>;

    /// Carries out an iteration, counted from 1. It may still run when this returns.
    fn iterate(&mut self, iteration: usize) -> Result<()>;

    /// Returns what became known since the last call: of all iterations, after they have been waited for, if `all`.
    fn known(&mut self, all: bool) -> Result<Vec<Known>>;

    /// Returns the loss of the held-out batch, if the phase has one, under the weights that would be exported.
    fn held_out_loss(&mut self) -> Result<Option<f64>>;

    /// Returns the weights that would be exported, in the network's order: their average, if one is kept.
    fn exported(&mut self) -> Result<Vec<f32>>;

    /// Returns the state after all iterations.
    fn state(&mut self) -> Result<State>;

    /// Returns the supply's state after the last batch, as text.
    fn supply(&self) -> Result<String>;
}

/// The error of a supply that cannot be continued from a checkpoint.
pub(super) fn another_supply(error: &anyhow::Error) -> anyhow::Error {
    anyhow!(
        "the checkpoint is of another device or another version of flowlet, so its batches cannot be continued \
         ({error:#}): start again with --force"
    )
}
