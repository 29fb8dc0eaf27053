//! A figure: what is seen, in both widths, and the numbers behind it.

use anyhow::Result;
use serde_json::Value;

use super::chart::{Sheet, Width};

/// Makes some figures.
pub(super) type Maker<'a> = Box<dyn Fn() -> Result<Vec<Figure>> + Send + Sync + 'a>;

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its files, and of its place in the page.
    pub name: &'static str,
    /// Its heading.
    pub title: String,
    /// What is seen.
    pub caption: String,
    /// For a desk.
    pub wide: Sheet,
    /// For a phone.
    pub narrow: Sheet,
    /// The numbers that are drawn, for a reader's own use.
    pub numbers: Value,
    /// What moves over it.
    pub animation: Option<Animation>,
    /// What stands in its place in a page.
    pub table: Option<Table>,
}

/// Dots that move over a figure's panel.
#[derive(Clone, Debug)]
pub struct Animation {
    /// The row and the place in it of the panel that they move in.
    pub panel: [usize; 2],
    /// `[frames][dots]`, in the units of the panel's axes.
    pub frames: Vec<Vec<[f64; 2]>>,
    /// What is said beside each.
    pub texts: Vec<String>,
    /// Whether the first dot leaves its way behind.
    pub trail: bool,
    /// In pixels.
    pub radius: f64,
    /// Milliseconds for a frame.
    pub pace: u32,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Its lines.
    pub rows: Vec<Vec<String>>,
}

impl Figure {
    /// A figure that stands still.
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

    /// With something that moves over it.
    pub fn moving(mut self, animation: Animation) -> Self {
        let [row, place] = animation.panel;
        for sheet in [&mut self.wide, &mut self.narrow] {
            // Room above the panel for what is said beside each frame.
            sheet.rows[row].panels[place].1.title = vec![String::new()];
        }
        self.animation = Some(animation);
        self
    }

    /// The sheet of one width.
    pub fn sheet(&self, width: Width) -> &Sheet {
        width.choose(&self.wide, &self.narrow)
    }
}
