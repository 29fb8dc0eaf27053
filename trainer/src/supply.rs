//! Where a phase of training gets its batches from.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, Result};

use crate::batches::{Batch, Batches, BatchesState};
use crate::network::Network;

/// Batches, one after the other, from a place that a checkpoint can keep.
pub trait Supply {
    /// The next batch for `network` as it is now.
    ///
    /// # Errors
    ///
    /// When there can be none.
    fn next(&mut self, network: &Network) -> Result<Batch>;

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

/// Batches of a run's data, made ahead on a thread of their own: drawing and coupling go on while the
/// network learns.
#[derive(Debug)]
pub struct Ahead {
    state: BatchesState,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was asked for yet.
    Waiting(Option<Box<Batches>>),
    Running(Receiver<Result<(Batch, BatchesState)>>),
}

/// Batches that wait to be used, at most.
const AHEAD: usize = 16;

impl Ahead {
    /// These batches, ahead.
    pub fn new(batches: Batches) -> Self {
        Self { state: batches.state(), stage: Stage::Waiting(Some(Box::new(batches))) }
    }
}

impl Supply for Ahead {
    fn next(&mut self, _: &Network) -> Result<Batch> {
        if let Stage::Waiting(batches) = &mut self.stage {
            let mut batches = batches.take().context("the batches have gone")?;
            let (sender, receiver) = sync_channel(AHEAD);
            // It ends when nobody listens any more.
            thread::spawn(move || {
                loop {
                    let batch = batches.next_batch().map(|batch| (batch, batches.state()));
                    let failed = batch.is_err();
                    if sender.send(batch).is_err() || failed {
                        break;
                    }
                }
            });
            self.stage = Stage::Running(receiver);
        }
        let Stage::Running(receiver) = &self.stage else { unreachable!("started above") };
        let (batch, state) = receiver.recv().context("the batches have ended")??;
        self.state = state;
        Ok(batch)
    }

    fn state(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.state)?)
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        if let Stage::Waiting(Some(batches)) = &mut self.stage {
            batches.restore(serde_json::from_str(state)?)?;
            self.state = batches.state();
        }
        Ok(())
    }
}
