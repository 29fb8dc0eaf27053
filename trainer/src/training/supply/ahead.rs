//! Batches that a thread of their own makes ahead.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, Result};

use super::Supply;
use crate::coupling::batches::{Batch, Batches, BatchesState};
use crate::network::Network;
use crate::objective::Tensors;

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
    Running(Receiver<Made>, Made),
}

/// Some batches, the next one last, each with where the supply is after it. After one that could not be
/// made there is none.
type Made = Vec<Result<(Batch, BatchesState)>>;

/// Batches that are handed over at once: to wake the other thread takes as long as to make several.
const AT_ONCE: usize = 16;

impl Ahead {
    /// These batches, ahead.
    pub fn new(batches: Batches) -> Self {
        Self { state: batches.state(), stage: Stage::Waiting(Some(Box::new(batches))) }
    }
}

impl Supply for Ahead {
    fn next(&mut self, network: &Network) -> Result<Tensors> {
        if let Stage::Waiting(batches) = &mut self.stage {
            let mut batches = batches.take().context("the batches have gone")?;
            let (sender, receiver) = sync_channel(1);
            // It ends when nobody listens any more.
            thread::spawn(move || {
                let mut failed = false;
                while !failed {
                    let mut made = Made::with_capacity(AT_ONCE);
                    while made.len() < AT_ONCE && !failed {
                        let batch = batches.next_batch().map(|batch| (batch, batches.state()));
                        failed = batch.is_err();
                        made.push(batch);
                    }
                    made.reverse();
                    failed |= sender.send(made).is_err();
                }
            });
            self.stage = Stage::Running(receiver, Vec::new());
        }
        let Stage::Running(receiver, made) = &mut self.stage else { unreachable!("started above") };
        if made.is_empty() {
            *made = receiver.recv().context("the batches have ended")?;
        }
        let (batch, state) = made.pop().context("the batches have ended")??;
        self.state = state;
        Tensors::new(&batch, &network.device())
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
