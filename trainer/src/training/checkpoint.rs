//! Checkpoints of a run, from which it can be resumed. On the CPU, a resumed run gives the same bytes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};

use crate::disk::anchor::Anchor;
use crate::disk::names::{CHECKPOINT_FILE, CONFIG_FILE, TEACHER_FILE};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::disk::{input, whole};
use crate::network::Shape;
use crate::training::best::{Best, Chosen};

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
}

/// The state of a network and its optimiser, of each weight and bias in the network's order.
#[derive(Clone, Debug)]
pub struct State {
    /// The weights and biases.
    pub weights: Vec<f32>,
    /// Adam's two moments.
    pub moments: [Vec<f32>; 2],
    /// The average of the weights; empty if none is kept.
    pub average: Vec<f32>,
}

/// The whole state of a training phase.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The index of the phase, from 0.
    pub phase: usize,
    /// The number of iterations done in the phase.
    pub iteration: usize,
    /// The losses of the last of them.
    pub losses: Vec<f64>,
    /// The duration of the run so far, in seconds.
    pub seconds: f64,
    /// The state of the supply of batches, as text.
    pub supply: String,
    /// The best weights so far, if they are kept.
    pub best: Option<Best>,
    tensors: TensorFile,
}

impl Checkpoints {
    /// Creates the checkpoints in a run's directory, for a configuration and data with these digests.
    pub fn new(directory: Anchor, config: String, data: String) -> Self {
        Self { directory, config, data }
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
        let losses = file.tensor("losses")?.to_f64()?;
        ensure!(losses.len() <= iteration, "it has more losses than iterations");
        Ok(Checkpoint {
            phase: get("phase")?.parse()?,
            iteration,
            losses,
            seconds: get("seconds")?.parse()?,
            supply: file.tensor("supply")?.to_text()?,
            best: best(&file)?,
            tensors: file,
        })
    }

    /// Writes a checkpoint of a network of `shape`.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full. The earlier checkpoint stays.
    pub fn write(
        &self,
        [phase, iteration]: [usize; 2],
        (losses, seconds, supply): (&[f64], f64, String),
        (shape, state): (Shape, &State),
        best: Option<&Best>,
    ) -> Result<()> {
        let mut file = TensorFile::default();
        file.tensors.insert("losses".to_string(), Block::f64(&[losses.len()], losses));
        // A tensor rather than metadata: readers refuse a header of more than 100 MB.
        file.tensors.insert("supply".to_string(), Block::text(&supply));
        add(&mut file, "weight", shape, &state.weights);
        let [m, v] = &state.moments;
        for (k, ((_, _, m), (_, _, v))) in shape.split(m).iter().zip(shape.split(v)).enumerate() {
            let block = Block::f32(&[2, m.len()], &[*m, v].concat());
            file.tensors.insert(format!("moments.{k}"), block);
        }
        if !state.average.is_empty() {
            add(&mut file, "average", shape, &state.average);
        }
        if let Some(Best { chosen: Chosen { iteration, loss, last }, weights }) = best {
            add(&mut file, "best", shape, weights);
            let chosen = [*iteration as f64, *loss, *last];
            file.tensors.insert("chosen".to_string(), Block::f64(&[3], &chosen));
        }
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
    /// Returns the state of the training of a network of `shape`.
    ///
    /// # Errors
    ///
    /// Returns an error if a tensor is missing, or has another shape than the network's.
    pub fn state(&self, shape: Shape) -> Result<State> {
        let read = |name: &str, own: &dyn Fn(&[usize]) -> Vec<usize>| -> Result<Vec<Vec<f32>>> {
            let find = |(k, (_, shape)): (usize, (String, Vec<usize>))| {
                let name = format!("{name}.{k}");
                let block = self.tensors.tensor(&name)?;
                block.check_shape(&name, &own(&shape))?;
                block.to_f32()
            };
            shape.tensors().into_iter().enumerate().map(find).collect()
        };
        let averages = self.tensors.tensors.contains_key("average.0");
        let mut moments = [Vec::new(), Vec::new()];
        for both in read("moments", &|shape| vec![2, shape.iter().product()])? {
            let (m, v) = both.split_at(both.len() / 2);
            moments[0].extend_from_slice(m);
            moments[1].extend_from_slice(v);
        }
        Ok(State {
            weights: read("weight", &<[usize]>::to_vec)?.concat(),
            moments,
            average: if averages {
                read("average", &<[usize]>::to_vec)?.concat()
            } else {
                Vec::new()
            },
        })
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

/// Reads the best weights of a checkpoint.
fn best(file: &TensorFile) -> Result<Option<Best>> {
    let Some(chosen) = file.tensors.get("chosen") else { return Ok(None) };
    let chosen = chosen.to_f64()?;
    let [iteration, loss, last] = chosen[..] else { bail!("chosen: expected 3 numbers") };
    let blocks = (0..).map_while(|k| file.tensors.get(&format!("best.{k}")));
    Ok(Some(Best {
        chosen: Chosen { iteration: iteration as usize, loss, last },
        weights: blocks.map(Block::to_f32).collect::<Result<Vec<_>>>()?.concat(),
    }))
}

fn add(file: &mut TensorFile, name: &str, shape: Shape, values: &[f32]) {
    for (k, (_, shape, values)) in shape.split(values).into_iter().enumerate() {
        file.tensors.insert(format!("{name}.{k}"), Block::f32(&shape, values));
    }
}
