//! Reads the tensors of a network: a safetensors file, an archive that `torch.save` wrote, or arrays of numpy.
//!
//! | module | contents |
//! |---|---|
//! | `array` | a tensor in f64 |
//! | `pickle` | the values of a pickle, of which no code is run |
//! | `view` | the tensors in a pickle |
//! | `entries` | the dictionaries of tensors in a checkpoint |
//! | `archive` | the archive of `torch.save`: a pickle and the storages of its tensors |
//! | `npz` | the archive of `numpy.savez` |

mod archive;
pub(super) mod array;
mod entries;
mod npz;
mod pickle;
mod view;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::DType;
use safetensors::{Dtype, SafeTensors};

use crate::disk::input;
use array::Array;

/// The tensors of a file.
#[derive(Debug)]
pub(super) struct StateDict {
    /// The tensors and their names.
    pub(super) tensors: Vec<(String, Array)>,
    /// Where they were found in a checkpoint that holds more: `state_dict`, `ema.shadow`.
    pub(super) entry: Option<String>,
    /// Whether PyTorch wrote the file, whose layers have weights `[outputs][inputs]`.
    pub(super) by_pytorch: bool,
}

/// The extensions of files that `torch.save` wrote.
const PYTORCH: [&str; 4] = ["pt", "pth", "ckpt", "bin"];

/// Reads the tensors of a file (`.safetensors`, `.npz`, `.pt`, `.pth`, `.ckpt` or `.bin`). `entry` names the dictionary
/// in a checkpoint that holds several.
///
/// # Errors
///
/// Returns an error that names the file if it has another extension, cannot be read, or holds anything else.
pub(super) fn read(path: &Path, entry: Option<&str>) -> Result<StateDict> {
    let name = path.display();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let plain = |tensors| StateDict { tensors, entry: None, by_pytorch: false };
    let found = match extension {
        "safetensors" => plain(safetensors(&input::read(path)?).with_context(|| expected(path))?),
        "npz" => {
            let (file, size) = input::open(path)?;
            plain(npz::read(file, size).with_context(|| {
                format!("{name}: expected the arrays of a network, as numpy.savez(FILE, **arrays) writes them")
            })?)
        }
        other if PYTORCH.contains(&other) => {
            let (file, size) = input::open(path)?;
            let archive::Contents { tensors, entry } =
                archive::read(file, size, entry).with_context(|| expected(path))?;
            StateDict { tensors, entry, by_pytorch: true }
        }
        _ => bail!(
            "{name}: expected a name that ends in .safetensors, .npz, .pt, .pth, .ckpt or .bin. Weights of another \
             framework: write them as named arrays with numpy.savez(FILE, **arrays)"
        ),
    };
    ensure!(
        entry.is_none() || PYTORCH.contains(&extension),
        "{name}: --entry chooses a dictionary in a PyTorch checkpoint; in this file --prefix chooses layers"
    );
    ensure!(!found.tensors.is_empty(), expected(path));
    Ok(found)
}

fn expected(path: &Path) -> String {
    format!(
        "{}: expected a state dict of tensors, as torch.save(model.state_dict(), FILE) writes one",
        path.display()
    )
}

fn safetensors(bytes: &[u8]) -> Result<Vec<(String, Array)>> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            other => {
                tensors.push((name, Array::other(view.shape(), &format!("{other:?}"))));
                continue;
            }
        };
        let array = Array::decode(view.data(), dtype, view.shape());
        tensors.push((name.clone(), array.with_context(|| format!("tensor {name}"))?));
    }
    Ok(tensors)
}
