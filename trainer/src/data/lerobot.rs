//! LeRobot's data sets: columns with fixed names.

use anyhow::{Result, ensure};

use super::columns::is_of_array;
use super::table::{Header, Labels, Table};

/// What the robot does.
pub(super) const ACTION: &str = "action";
/// What it sees.
pub(super) const OBSERVATION: &str = "observation.state";
/// Which episode a frame belongs to.
pub(super) const EPISODE: &str = "episode_index";
/// The number of a frame within its episode.
const FRAME: &str = "frame_index";

/// Whether a file has LeRobot's columns.
pub(super) fn is_lerobot(header: &Header) -> bool {
    let has =
        |name: &str| header.names.iter().any(|column| column == name || is_of_array(column, name));
    header.named && [ACTION, OBSERVATION, EPISODE].into_iter().all(has)
}

/// Returns the column that numbers the frames of an episode, if `group` is LeRobot's column of episodes.
pub(super) fn counter(header: &Header, group: Option<&str>) -> Option<usize> {
    let episodes = group == Some(EPISODE) && header.named;
    header.names.iter().position(|name| name == FRAME && episodes)
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
