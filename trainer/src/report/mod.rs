//! A report: one HTML page without external files, with all figures that explain a model. The embedded
//! runtime computes its samples and velocities.
//!
//! A [`Subject`] is the model and what is known of its run. Each [`Figure`] is a [`chart`] with the numbers
//! behind it. A [`Page`] holds all figures.
//!
//! The figures in one dimension follow the article "Flow Matching: A Visual Introduction", which comments
//! here call "the article".

pub mod chart;
mod classes;
pub mod colour;
pub mod exact;
pub mod figure;
pub mod heat;
pub mod histogram;
mod line;
mod loss;
mod moment;
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

/// Makes all figures of a subject, in the order of the page. Calls `done` after each part of the work, with
/// the total number of parts; calls come from several threads.
///
/// # Errors
///
/// Returns an error if samples of the model are not finite, or noise and data cannot be paired.
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
    // The makers' order is not the page's.
    figures.sort_by_key(|figure| ORDER.iter().position(|name| *name == figure.name));
    Ok(figures)
}

/// The order of the figures in a page: data, loss, field, paths, samples.
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
