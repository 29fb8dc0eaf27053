//! A run on disk while it goes on: enough to go on from there to the same bytes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor, Var};

use crate::disk::files;
use crate::disk::names::{CHECKPOINT_FILE, CONFIG_FILE};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::network::Network;
use crate::optimiser::Adam;
use crate::optimiser::average::Average;

/// Where checkpoints of a phase are written and read.
///
/// A file is written whole or not at all: whatever happens, the last good one stays.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    path: PathBuf,
    /// The digest of the configuration that the run has.
    config: String,
    /// And that of its data.
    data: String,
}

/// Everything that changes while a network trains.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Which of a run's phases it is, from 0.
    pub phase: usize,
    /// Iterations done in it.
    pub iteration: usize,
    /// The loss of each.
    pub losses: Vec<f64>,
    /// Seconds that the run had taken.
    pub seconds: f64,
    /// Where the batches are, as JSON.
    pub supply: String,
    tensors: TensorFile,
}

impl Checkpoints {
    /// The checkpoints in a run's directory, of the configuration and the data with these digests.
    pub fn new(directory: &Path, config: String, data: String) -> Self {
        Self { path: directory.join(CHECKPOINT_FILE), config, data }
    }

    /// Removes one that another run left.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn clear(&self) -> Result<()> {
        files::remove(&self.path)
    }

    /// The last one, if there is one.
    ///
    /// # Errors
    ///
    /// When it is damaged, or of another configuration or other data.
    pub fn read(&self) -> Result<Option<Checkpoint>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let context = || format!("{}: no checkpoint of this run", self.path.display());
        let file = TensorFile::parse(&files::read(&self.path)?).with_context(context)?;
        self.parse(file).with_context(context).map(Some)
    }

    fn parse(&self, file: TensorFile) -> Result<Checkpoint> {
        let get = |key: &str| {
            file.metadata.get(key).with_context(|| format!("metadata {key} is missing"))
        };
        // First: the configuration's digest covers the data's.
        ensure!(
            *get("data")? == self.data,
            "the data files have changed since the run began: restore them, or start again with \
             --force"
        );
        let config = get("config")?;
        ensure!(
            *config == self.config,
            "its configuration has the digest {config}, but that of {CONFIG_FILE} has {}",
            self.config
        );
        Ok(Checkpoint {
            phase: get("phase")?.parse()?,
            iteration: get("iteration")?.parse()?,
            losses: file.tensor("losses")?.to_f64()?,
            seconds: get("seconds")?.parse()?,
            supply: file.tensor("supply")?.to_text()?,
            tensors: file,
        })
    }

    /// Writes a checkpoint of a network and its optimiser.
    ///
    /// # Errors
    ///
    /// When the disk is full, say; the checkpoint before stays.
    pub fn write(
        &self,
        [phase, iteration]: [usize; 2],
        (losses, seconds, supply): (&[f64], f64, String),
        network: &Network,
        optimiser: &Adam,
        average: Option<&Average>,
    ) -> Result<()> {
        let mut file = TensorFile::default();
        file.tensors.insert("losses".to_string(), Block::f64(&[losses.len()], losses));
        // No metadata: a header of more than 100 MB is one that nobody reads.
        file.tensors.insert("supply".to_string(), Block::text(&supply));
        let variables = network.variables();
        let variables = variables.iter().map(Var::as_tensor);
        add(&mut file, "weight", variables)?;
        add(&mut file, "moments", optimiser.moments()?.iter())?;
        add(&mut file, "average", average.iter().flat_map(|average| average.tensors()))?;
        for (key, value) in [
            ("config", self.config.clone()),
            ("data", self.data.clone()),
            ("phase", phase.to_string()),
            ("iteration", iteration.to_string()),
            ("seconds", seconds.to_string()),
        ] {
            file.metadata.insert(key.to_string(), value);
        }
        files::write_whole(&self.path, &file.to_bytes()?).context("cannot keep a checkpoint")
    }
}

impl Checkpoint {
    /// Puts the network, its optimiser and its average where they were.
    ///
    /// # Errors
    ///
    /// When they are of another shape.
    pub fn restore(
        &self,
        network: &Network,
        optimiser: &mut Adam,
        average: Option<&mut Average>,
    ) -> Result<()> {
        let variables = network.variables();
        let read = |name: &str| -> Result<Vec<Tensor>> {
            let find = |(k, variable): (usize, &Var)| {
                let block = self.tensors.tensor(&format!("{name}.{k}"))?;
                let tensor = Tensor::from_vec(block.to_f32()?, block.shape(), &Device::Cpu)?;
                Ok(tensor.to_device(variable.device())?)
            };
            variables.iter().enumerate().map(find).collect()
        };
        for (variable, tensor) in variables.iter().zip(read("weight")?) {
            variable.set(&tensor)?;
        }
        optimiser.restore(self.iteration, &read("moments")?)?;
        if let Some(average) = average {
            average.restore(read("average")?);
        }
        Ok(())
    }
}

fn add<'a>(
    file: &mut TensorFile,
    name: &str,
    tensors: impl Iterator<Item = &'a Tensor>,
) -> Result<()> {
    for (k, tensor) in tensors.enumerate() {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        file.tensors.insert(format!("{name}.{k}"), Block::f32(tensor.dims(), &values));
    }
    Ok(())
}
