//! Where a phase of training gets its batches from.

pub mod ahead;
pub mod device;
mod pool;
pub mod student;

use anyhow::Result;

use crate::network::Network;
use crate::objective::Tensors;

/// A resumable stream of batches.
pub trait Supply {
    /// The next batch for `network` as it is now, where the network lives.
    ///
    /// # Errors
    ///
    /// When there can be none.
    fn next(&mut self, network: &Network) -> Result<Tensors>;

    /// Where the supply is after the last batch, as JSON.
    ///
    /// # Errors
    ///
    /// None that a supply could cause.
    fn state(&self) -> Result<String>;

    /// Goes on from `state`.
    ///
    /// # Errors
    ///
    /// When it is the state of something else.
    fn restore(&mut self, state: &str) -> Result<()>;
}
