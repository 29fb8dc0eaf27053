//! Checkpoints of a run, from which it can be resumed. On the CPU, a resumed run gives the same bytes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, ensure};
use candle_core::{Device, Tensor, Var};

use crate::disk::anchor::Anchor;
use crate::disk::names::{CHECKPOINT_FILE, CONFIG_FILE, TEACHER_FILE};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::disk::{input, whole};
use crate::network::Network;
use crate::optimiser::Adam;
use crate::optimiser::average::Average;

/// Reads and writes the checkpoint of a run.
///
/// The file is replaced atomically, so that the last complete checkpoint is never lost.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    directory: Anchor,
    /// The digest of the run's configuration.
    config: String,
    /// The digest of the run's data.
    data: String,
    /// The most losses that a checkpoint holds.
    losses: usize,
}

/// The number of losses that the mean at the end of a run needs: see `Trained::recent_loss`.
const RECENT: usize = 1000;

/// The whole state of a training phase.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The index of the phase, from 0.
    pub phase: usize,
    /// The number of iterations done in the phase.
    pub iteration: usize,
    /// The loss of each of them; NaN for those that a resumed run does not need.
    pub losses: Vec<f64>,
    /// The duration of the run so far, in seconds.
    pub seconds: f64,
    /// The state of the supply of batches, as text.
    pub supply: String,
    tensors: TensorFile,
}

impl Checkpoints {
    /// Creates the checkpoints in a run's directory, for a configuration and data with these digests. A row of
    /// `metrics.csv` is the mean of at most `row` losses.
    pub fn new(directory: Anchor, config: String, data: String, row: usize) -> Self {
        Self { directory, config, data, losses: row.max(RECENT) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(CHECKPOINT_FILE)
    }

    /// Removes a checkpoint that an earlier run left.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be removed.
    pub fn clear(&self) -> Result<()> {
        whole::remove(&self.path())
    }

    /// Reads the last checkpoint, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if it is damaged, or belongs to another configuration or other data.
    pub fn read(&self) -> Result<Option<Checkpoint>> {
        let path = self.path();
        if !path.exists() {
            return Ok(None);
        }
        let file = read_sealed(&path)?;
        let context = || format!("{}: not a checkpoint of this run", path.display());
        self.parse(file).with_context(context).map(Some)
    }

    fn parse(&self, file: TensorFile) -> Result<Checkpoint> {
        let get = |key: &str| {
            file.metadata.get(key).with_context(|| format!("metadata {key} is missing"))
        };
        // The data's digest comes first, since the configuration's digest covers it.
        ensure!(
            *get("data")? == self.data,
            "the data files have changed since the run started: restore them, or start again with \
             --force"
        );
        let config = get("config")?;
        ensure!(
            *config == self.config,
            "expected the digest {} of {CONFIG_FILE}, found {config}: restore the configuration, or start \
             again with --force",
            self.config
        );
        let iteration: usize = get("iteration")?.parse()?;
        let last = file.tensor("losses")?.to_f64()?;
        let before = iteration.checked_sub(last.len());
        let mut losses = vec![f64::NAN; before.context("it has more losses than iterations")?];
        losses.extend(last);
        Ok(Checkpoint {
            phase: get("phase")?.parse()?,
            iteration,
            losses,
            seconds: get("seconds")?.parse()?,
            supply: file.tensor("supply")?.to_text()?,
            tensors: file,
        })
    }

    /// Writes a checkpoint of a network, its optimiser and its average.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full. The earlier checkpoint stays.
    pub fn write(
        &self,
        [phase, iteration]: [usize; 2],
        (losses, seconds, supply): (&[f64], f64, String),
        network: &Network,
        optimiser: &Adam,
        average: Option<&Average>,
    ) -> Result<()> {
        let mut file = TensorFile::default();
        // Without a bound, the checkpoints of a long run would grow for ever.
        let losses = &losses[losses.len().saturating_sub(self.losses)..];
        file.tensors.insert("losses".to_string(), Block::f64(&[losses.len()], losses));
        // A tensor rather than metadata: readers refuse a header of more than 100 MB.
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
        file.seal();
        let written = self.directory.write(CHECKPOINT_FILE, &file.to_bytes()?);
        written.context("cannot write a checkpoint")
    }

    /// Writes the teacher, without which a student's checkpoint cannot be resumed.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full.
    pub fn write_teacher(&self, mut teacher: TensorFile) -> Result<()> {
        teacher.seal();
        self.directory.write(TEACHER_FILE, &teacher.to_bytes()?)
    }

    /// Reads the teacher.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none or it is damaged.
    pub fn read_teacher(&self) -> Result<TensorFile> {
        read_sealed(&self.directory.path().join(TEACHER_FILE))
    }
}

impl Checkpoint {
    /// Restores the network, its optimiser and its average.
    ///
    /// # Errors
    ///
    /// Returns an error if the shapes of the tensors differ.
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

/// Reads a file of a stopped run, and checks that it is as it was written.
fn read_sealed(path: &Path) -> Result<TensorFile> {
    let sealed = |bytes: &[u8]| {
        let file = TensorFile::parse(bytes)?;
        file.check_seal()?;
        Ok(file)
    };
    sealed(&input::read(path)?).map_err(|error: Error| {
        anyhow!(
            "{} is damaged, so the run cannot be continued from it ({error:#}): restore the file, or start again with \
             --force",
            path.display()
        )
    })
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
