//! The supplies of batches for the phases of training.

pub mod ahead;
pub mod student;

use anyhow::Result;

use crate::coupling::batches::Batch;
use crate::network::Network;

/// A resumable stream of batches.
pub trait Supply {
    /// Waits until another thread has made the next batch. Returns `false` if `stops` returned `true` before that. A
    /// supply that makes its batches itself does not wait.
    ///
    /// # Errors
    ///
    /// Returns an error if no batch can be made.
    fn wait(&mut self, _stops: &dyn Fn() -> bool) -> Result<bool> {
        Ok(true)
    }

    /// Whether the next batch depends on the network's current weights.
    fn asks_network(&self) -> bool {
        false
    }

    /// Returns the next batch. A student's batches depend on its current weights.
    ///
    /// # Errors
    ///
    /// Returns an error if no batch can be made.
    fn next(&mut self, network: &Network) -> Result<Batch>;

    /// Returns the state after the last batch, as text for [`Self::restore`].
    ///
    /// # Errors
    ///
    /// Returns an error if the state cannot be written as text.
    fn state(&self) -> Result<String>;

    /// Continues from `state`.
    ///
    /// # Errors
    ///
    /// Returns an error if the state does not fit this supply.
    fn restore(&mut self, state: &str) -> Result<()>;
}
