//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::note;

/// A progress bar that counts up to a total.
pub(super) struct Bar {
    bar: ProgressBar,
    /// When the last plain line was printed; `None` on a terminal.
    line: Option<Instant>,
    begin: Instant,
    /// The part of the count that an earlier process did.
    before: u64,
    count: u64,
}

/// The interval between two plain lines.
const LINES: Duration = Duration::from_secs(5);

impl Bar {
    /// Creates a bar that counts to `total`. An earlier process did `before` of it.
    pub(super) fn new(total: u64, before: u64) -> Result<Self> {
        let terminal = io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(total) } else { ProgressBar::hidden() };
        bar.set_length(total);
        bar.set_position(before);
        bar.reset_eta();
        let style = "{bar:30} {pos}/{len}{msg}  {rate}/s  {eta} left";
        // indicatif's own rate has four decimals; plain lines have none.
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}", state.per_sec());
        };
        bar.set_style(ProgressStyle::with_template(style)?.with_key("rate", rate));
        let line = (!terminal).then(Instant::now);
        Ok(Self { bar, line, begin: Instant::now(), before, count: before })
    }

    /// Adds `by` to the count.
    pub(super) fn advance(&mut self, by: u64) {
        self.count += by;
        self.bar.inc(by);
    }

    /// Shows `word` beside the count.
    pub(super) fn say(&self, word: &str) {
        self.bar.set_message(format!("  {word}"));
    }

    /// Prints a plain line with `word` beside the count, if there is no terminal and the last line is old enough.
    pub(super) fn line(&mut self, word: &str) {
        if self.line.is_none_or(|last| last.elapsed() < LINES) {
            return;
        }
        self.line = Some(Instant::now());
        let rate = (self.count - self.before) as f64 / self.begin.elapsed().as_secs_f64();
        let total = self.bar.length().unwrap_or(0);
        let left = total.saturating_sub(self.count) as f64 / rate;
        let gap = if word.is_empty() { "" } else { "  " };
        note(format_args!("{}/{total}{gap}{word}  {rate:.0}/s  {left:.0} s left", self.count));
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Creates a bar for a few parts that take about equally long. It is hidden without a terminal.
pub(super) fn parts(count: usize) -> Result<ProgressBar> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta} left")?;
    Ok(ProgressBar::new(count as u64).with_style(style))
}
