//! Batches that separate threads make ahead.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rayon::ThreadPoolBuilder;

use super::Supply;
use crate::coupling::batches::{Batch, Batches, BatchesState};
use crate::network::Network;

/// Batches of a run's data, made ahead on separate threads, so that drawing and coupling run in parallel
/// with the network's training.
#[derive(Debug)]
pub struct Ahead {
    state: BatchesState,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// No batch was asked for yet.
    Waiting(Option<Box<Batches>>),
    Running(Receiver<Made>, Made),
}

/// Several batches in reverse order, each with the state of the supply after it. No batch follows an error.
type Made = Vec<Result<(Batch, BatchesState)>>;

/// The most batches that are sent at once, since waking the other thread takes as long as making several.
const AT_ONCE: usize = 16;

/// The most bytes of batches that are sent at once, unless one batch is larger. Three times as many are in
/// memory: those that are trained on, those that wait, and those that are being made.
const BYTES: usize = 1 << 20;

impl Ahead {
    /// Creates a supply that makes `batches` ahead. The threads start with the first batch.
    pub fn new(batches: Batches) -> Self {
        Self { state: batches.state(), stage: Stage::Waiting(Some(Box::new(batches))) }
    }
}

/// The time between two checks whether a wait should end.
const ASK: Duration = Duration::from_millis(50);

impl Supply for Ahead {
    fn wait(&mut self, stops: &dyn Fn() -> bool) -> Result<bool> {
        if let Stage::Waiting(batches) = &mut self.stage {
            let batches =
                batches.take().context("the thread that makes batches could not be started")?;
            self.stage = Stage::Running(start(batches)?, Vec::new());
        }
        let Stage::Running(receiver, made) = &mut self.stage else { unreachable!("started above") };
        while made.is_empty() {
            match receiver.recv_timeout(ASK) {
                Ok(batches) => *made = batches,
                Err(RecvTimeoutError::Timeout) if stops() => return Ok(false),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the thread that makes batches has ended")
                }
            }
        }
        Ok(true)
    }

    fn next(&mut self, _: &Network) -> Result<Batch> {
        self.wait(&|| false)?;
        let Stage::Running(_, made) = &mut self.stage else { unreachable!("waited above") };
        let (batch, state) = made.pop().context("the thread that makes batches has ended")??;
        self.state = state;
        Ok(batch)
    }

    fn state(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.state)?)
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        if let Stage::Waiting(Some(batches)) = &mut self.stage {
            let state = serde_json::from_str(state).context(
                "another version of flowlet wrote the checkpoint: its position in the data has another format",
            )?;
            batches.restore(state)?;
            self.state = batches.state();
        }
        Ok(())
    }
}

/// Starts the threads that make batches: one goes through the stream, and the others help it with couplings. They end
/// when the receiver is dropped. They are not those of the network, whose short products would wait for couplings.
fn start(mut batches: Box<Batches>) -> Result<Receiver<Made>> {
    let at_once = batches.at_once();
    let (sender, receiver) = sync_channel(1);
    let makes = move || {
        let mut failed = false;
        while !failed {
            let mut made = Made::with_capacity(AT_ONCE);
            let mut bytes = 0;
            while made.len() < AT_ONCE && bytes < BYTES && !failed {
                let batch = batches.next_batch().map(|batch| (batch, batches.state()));
                bytes += batch.as_ref().map_or(0, |(batch, _)| batch.bytes());
                failed = batch.is_err();
                made.push(batch);
            }
            made.reverse();
            failed |= sender.send(made).is_err();
        }
    };
    // After a panic the receiver sees that the sender is gone. Without a handler, rayon would abort the process.
    let threads = ThreadPoolBuilder::new().num_threads(at_once).panic_handler(|_| ()).build();
    threads.context("cannot start the threads that make batches")?.spawn(makes);
    Ok(receiver)
}
