//! Trains flowlet's networks on an NVIDIA GPU.
//!
//! An iteration is recorded once, as one CUDA graph, and then replayed: its batch is drawn on the card, cuBLAS
//! multiplies, and a handful of kernels do the rest. A framework launches its operations one by one, which takes more
//! than ten times as long for a small network.
//!
//! The kernels are in `kernels.c`. The same text, compiled by a C compiler, trains on the processor, so that tests
//! check everything but the card itself.

#![cfg_attr(
    not(any(feature = "cuda", feature = "emulated")),
    allow(dead_code, reason = "without a machine there is nothing to train on")
)]

#[cfg(feature = "cuda")]
mod card;
#[cfg(feature = "emulated")]
mod emulated;
mod layout;
mod machine;
mod trainer;

pub use machine::{Error, Result};
pub use trainer::{AT_ONCE, Given, Pools, Settings, State, Step, Task, Times, Trainer};

/// Returns the name of the card that [`Trainer::on_card`] would use.
///
/// # Errors
///
/// When there is no card that can be used, or this build has no support for one.
pub fn card() -> Result<String> {
    #[cfg(feature = "cuda")]
    return card::name();
    #[cfg(not(feature = "cuda"))]
    return Err(without_cuda());
}

#[cfg(not(feature = "cuda"))]
fn without_cuda() -> Error {
    Error("this build does not support CUDA: expected one with the feature `cuda`".to_owned())
}

impl Trainer {
    /// Makes a trainer on the first card, with weights 0, for batches that are drawn from `pools` or, without them,
    /// given.
    ///
    /// # Errors
    ///
    /// When there is no card that can be used, a library is missing, or the card's memory does not suffice.
    #[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "an error without cuda"))]
    pub fn on_card(settings: Settings, pools: Option<Pools<'_>>) -> Result<Self> {
        #[cfg(feature = "cuda")]
        return Self::new(Box::new(card::Card::open()?), settings, pools);
        #[cfg(not(feature = "cuda"))]
        return Err(without_cuda());
    }

    /// As [`Self::on_card`], on the processor, for tests.
    ///
    /// # Errors
    ///
    /// When a size is out of range.
    #[cfg(feature = "emulated")]
    pub fn emulated(settings: Settings, pools: Option<Pools<'_>>) -> Result<Self> {
        Self::new(Box::new(emulated::Emulated::default()), settings, pools)
    }
}
