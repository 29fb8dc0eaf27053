//! Windows of trajectories: each window of an episode's frames becomes one row.
//!
//! A window that begins at frame `t` has the data of the frames `t..t + K` and the conditions of the frames
//! `t − M + 1..=t`. Only whole windows are rows. Before the first frame of an episode, the history repeats that frame.

use anyhow::{Context, Result, ensure};

use super::columns::array_and_number;
use super::conditions::ConditionColumn;
use super::table::{Cells, Labels, MISSING};
use crate::disk::memory;
use crate::disk::quote::shortened;

/// How windows are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// K: the frames whose data are a row.
    pub length: usize,
    /// The frames from the beginning of a window to that of the next one in the same episode.
    pub stride: usize,
    /// M: the frames whose conditions are a row's.
    pub history: usize,
}

/// The windows of a table of frames.
#[derive(Debug)]
pub(super) struct Cut {
    windows: Windows,
    /// For each window, its first frame and the first frame of its episode.
    places: Vec<[usize; 2]>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

/// What the rows of a table hold, frames or windows, column by column.
#[derive(Debug)]
pub(super) struct Columns {
    /// `[rows][D]`.
    pub(super) x: Vec<f32>,
    /// The names of the `D` data columns.
    pub(super) data_names: Vec<String>,
    /// The shape of a row of data.
    pub(super) data_shape: Option<Vec<usize>>,
    /// The conditions' cells. Labels are the indices of categories.
    pub(super) cells: Vec<Cells>,
    pub(super) conditions: Vec<ConditionColumn>,
    pub(super) groups: Option<Cells>,
}

/// An episode: its frames are `first..end`.
struct Episode {
    first: usize,
    end: usize,
}

impl Windows {
    /// Cuts `frames` frames of the file `file` into windows. `groups` has the episode of each frame; without, all frames
    /// are one episode. Leaves out the windows with frames that are not `valid`. `place` names a frame for a message.
    ///
    /// # Errors
    ///
    /// Returns an error if the frames of an episode are not consecutive, or if no episode is as long as a window.
    pub(super) fn cut(
        self,
        file: &str,
        frames: usize,
        groups: Option<&Labels>,
        valid: Option<&[bool]>,
        place: impl Fn(usize) -> String,
    ) -> Result<Cut> {
        let whole = || vec![Episode { first: 0, end: frames }];
        let episodes = groups.map_or_else(|| Ok(whole()), |groups| episodes(groups, place))?;
        let length = |episode: &Episode| episode.end - episode.first;
        let name = |episode: &Episode| match groups {
            Some(groups) => format!("episode {}", shortened(label(groups, episode.first))),
            None => "the file".to_string(),
        };
        let longest = episodes.iter().max_by_key(|episode| length(episode));
        let longest = longest.with_context(|| format!("{file}: no episodes"))?;
        let Self { length: window, stride, .. } = self;
        ensure!(
            length(longest) >= window,
            "{file}: --window {window}: expected episodes of at least {window} frames, but the longest, {}, has {}: use a \
             shorter window",
            name(longest),
            length(longest)
        );
        let mut notes = Vec::new();
        let short: Vec<&Episode> = episodes.iter().filter(|one| length(one) < window).collect();
        if let Some(first) = short.first() {
            notes.push(format!(
                "{file}: left out {} of {} episodes, which are shorter than the window of {window} frames; the first is {} \
                 with {}",
                short.len(),
                episodes.len(),
                name(first),
                length(first)
            ));
        }
        let (all, short_count) = (episodes.len(), short.len());
        let mut places = Vec::new();
        let mut left_out = 0;
        for Episode { first, end } in episodes {
            for start in (first..end.saturating_sub(window - 1)).step_by(stride) {
                let seen = start.saturating_sub(self.history - 1).max(first);
                if valid.is_none_or(|valid| valid[seen..start + window].iter().all(|ok| *ok)) {
                    places.push([start, first]);
                } else {
                    left_out += 1;
                }
            }
        }
        if left_out > 0 {
            notes.push(format!(
                "{file}: left out {left_out} windows with missing or non-finite values"
            ));
        }
        notes.push(format!(
            "{file}: {} windows of {window} frames from {} episode{}",
            places.len(),
            all - short_count,
            if all - short_count == 1 { "" } else { "s" }
        ));
        Ok(Cut { windows: self, places, notes })
    }

    /// Returns the names of the data of a window, of columns called `names`: NAME+0, NAME+1 and so on, frame by frame.
    pub(super) fn data_names(self, names: &[String]) -> Vec<String> {
        let frame = |k: usize| names.iter().map(move |name| suffixed(name, &format!("+{k}")));
        (0..self.length).flat_map(frame).collect()
    }

    /// Returns the name of a condition `lag` frames before a window's first: NAME-1, NAME-0. Without a history, its own.
    pub(super) fn condition_name(self, name: &str, lag: usize) -> String {
        if self.history == 1 { name.to_string() } else { suffixed(name, &format!("-{lag}")) }
    }

    /// Returns the column of a frame that is `windowed` in a window: NAME of NAME+3, and NAME.1 of NAME+3.1.
    pub fn frame_column(windowed: &str) -> String {
        let (array, number) = array_and_number(windowed);
        match (array.rsplit_once('+'), number) {
            (Some((name, _)), Some(number)) => format!("{name}.{number}"),
            (Some((name, _)), None) => name.to_string(),
            (None, _) => windowed.to_string(),
        }
    }
}

/// Puts `suffix` behind a column's name. For NAME.3, column 3 of an array, returns NAME`suffix`.3, so that the array of one
/// frame can be named as a whole.
fn suffixed(name: &str, suffix: &str) -> String {
    match array_and_number(name) {
        (array, Some(number)) => format!("{array}{suffix}.{number}"),
        (name, None) => format!("{name}{suffix}"),
    }
}

fn label(groups: &Labels, frame: usize) -> &str {
    groups.names.get(groups.ids[frame] as usize).map_or("", String::as_str)
}

/// Returns the episodes. A frame without a label belongs to the episode around it.
fn episodes(groups: &Labels, place: impl Fn(usize) -> String) -> Result<Vec<Episode>> {
    let mut episodes: Vec<Episode> = Vec::new();
    // The last frame of each label's episode.
    let mut lasts: Vec<Option<usize>> = vec![None; groups.names.len()];
    let mut current = MISSING;
    for (frame, &id) in groups.ids.iter().enumerate() {
        if id != MISSING && id != current {
            if let Some(last) = lasts[id as usize] {
                anyhow::bail!(
                    "{}: a frame of episode {}, whose other frames end at {}: expected the frames of an episode in \
                     consecutive rows, in the order of their times. Sort the rows by episode and time",
                    place(frame),
                    shortened(label(groups, frame)),
                    place(last)
                );
            }
            current = id;
            episodes.push(Episode { first: frame, end: frame });
        }
        match episodes.last_mut() {
            Some(episode) => episode.end = frame + 1,
            None => episodes.push(Episode { first: frame, end: frame + 1 }),
        }
        if id != MISSING {
            lasts[id as usize] = Some(frame);
        }
    }
    Ok(episodes)
}

impl Cut {
    /// Returns the number of windows.
    pub(super) fn rows(&self) -> usize {
        self.places.len()
    }

    /// Returns the windows of `frames`.
    ///
    /// # Errors
    ///
    /// Returns an error if they do not fit into memory, or if there is a history without conditions.
    pub(super) fn windows(&self, frames: Columns) -> Result<Columns> {
        let Columns { x, data_names, data_shape, cells, conditions, groups } = frames;
        let Windows { length, history, .. } = self.windows;
        ensure!(
            history == 1 || !conditions.is_empty(),
            "--history {history}: the data have no conditions: name the columns of the observations with --condition, \
             or leave --history out"
        );
        let width = conditions.iter().map(ConditionColumn::width).sum::<usize>();
        let numbers = length as f64 * data_names.len() as f64 + history as f64 * width as f64;
        memory::check(
            // The held-out rows are copied.
            1.25 * 4.0 * numbers * self.rows() as f64,
            &format!("a table of {} windows of {numbers} numbers", self.rows()),
            "use a larger --stride, a shorter --window or fewer frames",
        )?;
        let frame = data_shape.unwrap_or_else(|| vec![data_names.len()]);
        let named = |lag: usize| {
            conditions.iter().map(move |condition| ConditionColumn {
                name: self.windows.condition_name(&condition.name, lag),
                ..condition.clone()
            })
        };
        Ok(Columns {
            x: self.data(&x, data_names.len()),
            data_names: self.windows.data_names(&data_names),
            data_shape: Some([vec![length], frame].concat()),
            cells: self
                .lags()
                .flat_map(|lag| cells.iter().map(move |cells| self.cells(cells, lag)))
                .collect(),
            conditions: self.lags().flat_map(named).collect(),
            groups: groups.map(|groups| self.cells(&groups, 0)),
        })
    }

    /// Returns the data of the windows, `[rows][K · width]`, from those of the frames, `[frames][width]`.
    fn data(&self, frames: &[f32], width: usize) -> Vec<f32> {
        let length = self.windows.length * width;
        let mut rows = Vec::with_capacity(self.rows() * length);
        for [start, _] in &self.places {
            rows.extend_from_slice(&frames[start * width..][..length]);
        }
        rows
    }

    /// Returns the cells of a condition `lag` frames before each window's first frame.
    fn cells(&self, frames: &Cells, lag: usize) -> Cells {
        let chosen =
            || self.places.iter().map(|[start, first]| start.saturating_sub(lag).max(*first));
        match frames {
            Cells::Numbers { values, .. } => {
                let values = chosen().map(|frame| values[frame]).collect();
                Cells::Numbers { values, odd: None }
            }
            Cells::Labels { labels, .. } => {
                Cells::Labels { labels: labels.select(chosen()), odd: None }
            }
        }
    }

    /// Returns all lags of the history, the earliest frame first.
    fn lags(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.windows.history).rev()
    }
}

/// Forgets the labels of the frames that are not `valid`, so that they add no category.
pub(super) fn forget_invalid(cells: &mut Cells, valid: &[bool]) {
    if let Cells::Labels { labels, .. } = cells {
        let frames = labels.ids.iter_mut().zip(valid);
        frames.filter(|(_, valid)| !**valid).for_each(|(id, _)| *id = MISSING);
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::places_of;
    use super::*;

    fn names(names: &str) -> Vec<String> {
        names.split(',').map(str::to_string).collect()
    }

    fn labels(text: &str) -> Labels {
        let mut labels = Labels::default();
        text.chars()
            .for_each(|label| labels.push((label != '?').then(|| label.to_string()).as_deref()));
        labels
    }

    fn cut(windows: Windows, text: &str, valid: Option<&[bool]>) -> Result<Cut> {
        let place = |frame| format!("row {frame}");
        windows.cut("f.csv", text.len(), Some(&labels(text)), valid, place)
    }

    const WINDOWS: Windows = Windows { length: 2, stride: 1, history: 3 };

    #[test]
    fn windows_are_whole_and_of_one_episode() {
        let cut = cut(WINDOWS, "aaabcc", None).unwrap();
        assert_eq!(cut.places, [[0, 0], [1, 0], [4, 4]]);
        assert_eq!(cut.data(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 1), [0.0, 1.0, 1.0, 2.0, 4.0, 5.0]);
        let frames = Cells::Numbers { values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], odd: None };
        let seen: Vec<Cells> = cut.lags().map(|lag| cut.cells(&frames, lag)).collect();
        let numbers = |values: [f32; 3]| Cells::Numbers { values: values.to_vec(), odd: None };
        assert_eq!(
            seen,
            [numbers([0.0, 0.0, 4.0]), numbers([0.0, 0.0, 4.0]), numbers([0.0, 1.0, 4.0])]
        );
        assert!(
            cut.notes[0].contains("left out 1 of 3 episodes")
                && cut.notes[0].contains("episode b with 1")
        );
    }

    #[test]
    fn a_stride_begins_again_with_each_episode() {
        let stride = Windows { stride: 2, ..WINDOWS };
        assert_eq!(cut(stride, "aaaabbb", None).unwrap().places, [[0, 0], [2, 0], [4, 4]]);
    }

    #[test]
    fn a_frame_that_is_not_valid_is_in_no_window_and_no_history() {
        let valid = [true, false, true, true, true, true, true];
        let found = cut(WINDOWS, "a?aaaaa", Some(&valid)).unwrap();
        assert_eq!(found.places, [[4, 0], [5, 0]]);
    }

    #[test]
    fn episodes_that_are_mixed_or_too_short_are_named() {
        let error = cut(WINDOWS, "aaba", None).unwrap_err().to_string();
        assert!(
            error.contains("row 3: a frame of episode a, whose other frames end at row 1"),
            "{error}"
        );
        let long = Windows { length: 4, ..WINDOWS };
        let error = cut(long, "aabbb", None).unwrap_err().to_string();
        assert!(error.contains("the longest, episode b, has 3"), "{error}");
    }

    #[test]
    fn a_window_has_the_names_of_its_frames_columns() {
        let windowed = WINDOWS.data_names(&names("grip,action.0,action.1"));
        assert_eq!(windowed, names("grip+0,action+0.0,action+0.1,grip+1,action+1.0,action+1.1"));
        let frames: Vec<String> = windowed.iter().map(|name| Windows::frame_column(name)).collect();
        let columns_of = |name| -> Vec<String> {
            let places = places_of(frames.iter().map(String::as_str), name);
            places.into_iter().map(|place| windowed[place].clone()).collect()
        };
        assert_eq!(columns_of("grip"), names("grip+0,grip+1"));
        assert_eq!(columns_of("action.1"), names("action+0.1,action+1.1"));
        assert_eq!(columns_of("action").len(), 4);
        assert!(columns_of("act").is_empty());
        assert_eq!(WINDOWS.condition_name("state.3", 2), "state-2.3");
        assert_eq!(Windows { history: 1, ..WINDOWS }.condition_name("state.3", 0), "state.3");
    }
}
