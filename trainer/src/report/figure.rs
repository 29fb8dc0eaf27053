//! A figure at both widths, and the numbers behind it.

use anyhow::Result;
use serde_json::Value;

use super::chart::{Sheet, Width};

/// Makes some figures, possibly none.
pub(super) type Maker<'a> = Box<dyn Fn() -> Result<Vec<Figure>> + Send + Sync + 'a>;

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its files, and its section's id in the page.
    pub name: &'static str,
    /// Its heading.
    pub title: String,
    /// The text below it.
    pub caption: String,
    /// At the width for a computer's screen.
    pub wide: Sheet,
    /// At the width for a phone.
    pub narrow: Sheet,
    /// The numbers that it shows; the page contains them as JSON.
    pub numbers: Value,
    /// Dots that move over it.
    pub animation: Option<Animation>,
    /// A table that replaces it in the page; its files still show the figure.
    pub table: Option<Table>,
}

/// Dots that move over a figure's panel.
#[derive(Clone, Debug)]
pub struct Animation {
    /// The row of the panel that they move in, and its index in the row.
    pub panel: [usize; 2],
    /// The dots, `[frames][dots]`, in the units of the panel's axes.
    pub frames: Vec<Vec<[f64; 2]>>,
    /// The text above the panel in each frame, `[frames]`.
    pub texts: Vec<String>,
    /// Whether the first dot leaves a trail.
    pub trail: bool,
    /// The dots' radius in pixels.
    pub radius: f64,
    /// Duration of a frame in milliseconds.
    pub pace: u32,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// The cells, `[rows][columns]`.
    pub rows: Vec<Vec<String>>,
}

impl Figure {
    /// Makes a figure without animation and table. `sheet` is called for both widths.
    pub fn new(
        name: &'static str,
        title: impl Into<String>,
        caption: impl Into<String>,
        numbers: Value,
        sheet: impl Fn(Width) -> Sheet,
    ) -> Self {
        Self {
            name,
            title: title.into(),
            caption: caption.into(),
            wide: sheet(Width::Wide),
            narrow: sheet(Width::Narrow),
            numbers,
            animation: None,
            table: None,
        }
    }

    /// Adds an animation.
    pub fn moving(mut self, animation: Animation) -> Self {
        let [row, place] = animation.panel;
        for sheet in [&mut self.wide, &mut self.narrow] {
            // An empty title makes room above the panel for the frames' texts.
            sheet.rows[row].panels[place].1.title = vec![String::new()];
        }
        self.animation = Some(animation);
        self
    }

    /// Returns the sheet of one width.
    pub fn sheet(&self, width: Width) -> &Sheet {
        width.choose(&self.wide, &self.narrow)
    }
}
