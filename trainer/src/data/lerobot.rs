//! LeRobot's data sets: columns with fixed names, in one file or in the files of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::rows::RowsOptions;
use super::table::{Header, Labels, Table};

/// What the robot does.
const ACTION: &str = "action";
/// What it sees.
const OBSERVATION: &str = "observation.state";
/// Which episode a frame belongs to.
const EPISODE: &str = "episode_index";
/// The number of a frame within its episode.
const FRAME: &str = "frame_index";

/// Returns `options` with LeRobot's columns, if the file has them and the options name neither data nor conditions.
pub(super) fn named(
    header: &Header,
    options: &RowsOptions,
    notes: &mut Vec<String>,
) -> Option<RowsOptions> {
    let chosen = options.data.is_some()
        || !options.condition.is_empty()
        || options.conditions_file.is_some();
    if chosen || !is_lerobot(header) {
        return None;
    }
    let group = options.group.clone().unwrap_or_else(|| EPISODE.to_string());
    notes.push(format!(
        "{}: a data set of LeRobot: the data are {ACTION}, the conditions {OBSERVATION}, the groups {group}; --data and \
         --condition choose others",
        header.file
    ));
    Some(RowsOptions {
        data: Some(vec![ACTION.to_string()]),
        condition: vec![OBSERVATION.to_string()],
        group: Some(group),
        ..options.clone()
    })
}

/// Whether a file has LeRobot's columns.
fn is_lerobot(header: &Header) -> bool {
    let has = |name: &str| {
        header.names.iter().any(|column| {
            column == name
                || column.strip_prefix(name).is_some_and(|rest| {
                    rest.strip_prefix('.').is_some_and(|k| k.parse::<usize>().is_ok())
                })
        })
    };
    header.named && [ACTION, OBSERVATION, EPISODE].into_iter().all(has)
}

/// Returns the column that numbers the frames of an episode, if windows are cut from LeRobot's episodes.
pub(super) fn counter(header: &Header, options: &RowsOptions) -> Option<usize> {
    let episodes = options.group.as_deref() == Some(EPISODE) && options.windows.is_some();
    header.names.iter().position(|name| name == FRAME && header.named && episodes)
}

/// Checks that no frame is missing within an episode.
pub(super) fn check_counter(counts: &[f32], groups: Option<&Labels>, table: &Table) -> Result<()> {
    let Some(groups) = groups else { return Ok(()) };
    for frame in 1..counts.len() {
        let (before, now) = (counts[frame - 1], counts[frame]);
        ensure!(
            groups.ids[frame] != groups.ids[frame - 1] || now == before + 1.0,
            "{}: {FRAME} is {now} after {before}: expected the frames of an episode without gaps, in consecutive rows",
            table.place(frame)
        );
    }
    Ok(())
}

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
