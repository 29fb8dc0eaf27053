//! The files of a data set in a directory, as LeRobot lays them out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Returns the files of a data set's directory, in the order of their names: `data/chunk-000/episode_000000.parquet` and so
/// on, or `data/chunk-000/file-000.parquet`.
///
/// # Errors
///
/// Returns an error if the directory has no such files.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = |folder: &Path| -> Result<Vec<PathBuf>> {
        let context = || format!("cannot read the directory {}", folder.display());
        let entries = fs::read_dir(folder).with_context(context)?;
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>().with_context(context)?;
        paths.sort();
        Ok(paths)
    };
    let shown = directory.display();
    let data = directory.join("data");
    let mut files = Vec::new();
    if data.is_dir() {
        for chunk in entries(&data)?.iter().filter(|path| path.is_dir()) {
            let is_table =
                |path: &PathBuf| path.extension().is_some_and(|ending| ending == "parquet");
            files.extend(entries(chunk)?.into_iter().filter(is_table));
        }
    }
    if files.is_empty() {
        bail!(
            "{shown}: a directory: expected a data set of LeRobot, with files such as data/chunk-000/file-000.parquet, or \
             the path of a file"
        );
    }
    Ok(files)
}
