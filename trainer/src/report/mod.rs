//! Every picture that explains a model, from its weights and the runtime that is embedded, in one page
//! that opens anywhere.
//!
//! A [`Subject`] is drawn from; a [`Figure`] is what is seen, as a [`chart`] and the
//! numbers behind it; a [`Page`] is all of them.

pub mod chart;
mod classes;
pub mod colour;
pub mod exact;
pub mod figure;
pub mod heat;
pub mod histogram;
mod line;
mod loss;
pub mod numbers;
mod page;
mod plane;
pub mod raster;
mod steps;
mod subject;
mod terminal;
pub mod trajectories;
pub mod views;

use anyhow::Result;
use rayon::prelude::*;

use self::figure::{Figure, Maker};

pub use page::{GENERATOR, Page};
pub use subject::{Known, Pairs, Shown, Subject};
pub use terminal::text;

/// All figures of a subject, in the order of the page. `done` is told after each part of the work, and of how
/// many parts.
///
/// # Errors
///
/// When samples of the model are not finite, or pairs of its data cannot be made.
pub fn figures(subject: &Subject, done: impl Fn(usize) + Sync) -> Result<Vec<Figure>> {
    let shared: Vec<Maker<'_>> = vec![
        Box::new(|| Ok(Vec::from_iter(loss::figure(&subject.metrics)))),
        Box::new(|| Ok(Vec::from_iter(classes::figure(subject)?))),
        Box::new(|| Ok(vec![steps::figure(subject)?])),
    ];
    let make = |makers: Vec<Maker<'_>>| {
        let parts = makers.len();
        let made = makers.into_par_iter().map(|maker| {
            let figures = maker()?;
            done(parts);
            Ok(figures)
        });
        made.collect::<Result<Vec<_>>>()
    };
    let mut figures: Vec<Figure> = if subject.model.mlp.data_dim() == 1 {
        let line = line::Line::new(subject)?;
        make(line.figures().into_iter().chain(shared).collect())?
    } else {
        let plane = plane::Plane::new(subject)?;
        make(plane.figures().into_iter().chain(shared).collect())?
    }
    .concat();
    // As the way goes: from the data to the loss, the field, the paths and the samples.
    figures.sort_by_key(|figure| ORDER.iter().position(|name| *name == figure.name));
    Ok(figures)
}

/// The order of a page.
const ORDER: [&str; 18] = [
    "densities",
    "reference-paths",
    "target-velocity",
    "average-field",
    "loss",
    "learned-field",
    "field",
    "field-error",
    "trace",
    "path",
    "flow",
    "trajectories",
    "samples",
    "path-density",
    "marginals",
    "pairs",
    "classes",
    "steps",
];
