//! The figure of samples by number of steps, with their distances to the target.

use anyhow::Result;
use flowlet::HeapSolver;
use rayon::prelude::*;
use serde_json::json;

use super::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use super::colour::Colour;
use super::figure::Figure;
use super::histogram::Histogram;
use super::subject::Subject;
use super::views::{Rectangle, marginal_view, plane_view};
use crate::coupling::dataset::Units;
use crate::data::Matrix;
use crate::data::random::{Stream, generator};
use crate::judge::distance::wasserstein_1;
use crate::judge::sides::Sides;
use crate::judge::stage::Stage;
use crate::judge::view::View;
use crate::report::numbers::thousands;

/// The numbers of steps, the same as in `flowlet evaluate`.
const STEPS: [usize; 6] = [1, 2, 4, 8, 16, 50];

/// The most points for W₁, which only sorts them.
const SORTED: usize = 100_000;

/// The most points for the energy distance, over all pairs.
const PAIRED: usize = 4000;

/// Bins of a panel in one dimension.
const BINS: usize = 60;

/// Dots of a panel in more dimensions.
const DOTS: usize = 800;

/// Measures the distance of samples to real data.
enum Judge {
    /// The first Wasserstein distance, of numbers without conditions.
    Wasserstein(Sides),
    /// The energy distance without bias.
    Energy(Stage),
    /// There are no real data.
    Nothing,
}

impl Judge {
    /// The name of the distance.
    fn measure(&self) -> &'static str {
        match self {
            Self::Wasserstein(_) => "W₁",
            Self::Energy(_) | Self::Nothing => "energy",
        }
    }

    /// The conditions of the samples.
    fn conditions(&self) -> Option<&Matrix> {
        match self {
            Self::Wasserstein(sides) => Some(&sides.second.c),
            Self::Energy(stage) => Some(&stage.c),
            Self::Nothing => None,
        }
    }

    /// Real data to draw.
    fn target(&self) -> Option<&Matrix> {
        match self {
            Self::Wasserstein(sides) => Some(&sides.first.x),
            Self::Energy(stage) => Some(&stage.real.x),
            Self::Nothing => None,
        }
    }

    /// Returns the distance of `x` to real data; `None` without data, or if a point is not finite.
    fn distance(&self, x: &Matrix, units: &Units) -> Option<f64> {
        if x.values().iter().any(|x| !x.is_finite()) {
            return None;
        }
        match self {
            Self::Wasserstein(sides) => Some(wasserstein_1(x.values(), sides.first.x.values())),
            Self::Energy(stage) => {
                stage.energy(x, &View { units, standardize: true }).map(|found| found.value)
            }
            Self::Nothing => None,
        }
    }

    /// Returns the distance that a perfect model gets.
    fn floor(&self, units: &Units) -> Option<f64> {
        match self {
            Self::Wasserstein(sides) => self.distance(&sides.second.x, units),
            Self::Energy(_) => Some(0.0),
            Self::Nothing => None,
        }
    }
}

/// Makes the figure of the model's samples in 1, 2, 4, 8, 16 and 50 steps.
///
/// # Errors
///
/// Returns an error if the model cannot take these steps; not expected of a model that was opened.
pub fn figure(subject: &Subject) -> Result<Figure> {
    let model = &subject.model;
    let plain = model.mlp.data_dim() == 1 && !subject.is_conditional();
    let most = subject.points(STEPS.iter().sum());
    let limit = most.min(if plain { SORTED } else { PAIRED });
    let mut rng = generator(subject.seed, Stream::Evaluation);
    let units = &subject.units;
    let judge = match &subject.known {
        Some(known) if plain => Judge::Wasserstein(Sides::of(&known.real, limit, &mut rng)),
        Some(known) => {
            let view = View { units, standardize: true };
            Judge::Energy(Stage::of(&known.real, &view, limit, &mut rng))
        }
        None => Judge::Nothing,
    };
    let judge = if judge.target().is_some_and(|x| x.rows() > 0) { judge } else { Judge::Nothing };
    let c = match judge.conditions() {
        Some(c) => c.clone(),
        None => subject.shown_rows(limit),
    };
    let x_0 = subject.starts(c.rows());
    let made: Vec<(HeapSolver, Matrix)> = STEPS
        .into_par_iter()
        .map(|steps| {
            let solver = model.solver(Some(model.solver_kind()), Some(steps))?;
            let x = model.sample(&solver, &x_0, &c);
            Ok((solver, x))
        })
        .collect::<Result<_>>()?;
    let distances: Vec<Option<f64>> =
        made.par_iter().map(|(_, x)| judge.distance(x, units)).collect();
    let floor = judge.floor(units);
    let numbers = json!({
        "steps": STEPS,
        "measure": judge.measure(),
        "distances": distances,
        "floor": floor,
        "points": c.rows(),
    });

    let titles: Vec<Vec<String>> = made
        .iter()
        .zip(&distances)
        .map(|((solver, _), distance)| {
            let steps = solver.steps();
            let title = format!("{steps} {}", if steps == 1 { "step" } else { "steps" });
            let distance = distance.map(|d| format!("{} {d:.3}", judge.measure()));
            std::iter::once(title).chain(distance).collect()
        })
        .collect();
    let first = judge.target();
    let samples: Vec<&Matrix> = made.iter().map(|(_, x)| x).collect();
    let sheet = |width: Width| {
        let mut panels: Vec<Panel> = if model.mlp.data_dim() == 1 {
            histograms(&samples, first, &model.data_columns()[0])
        } else {
            scatters(&samples, first, &model.data_columns())
        };
        for (panel, title) in panels.iter_mut().zip(&titles) {
            panel.title.clone_from(title);
        }
        let across = width.choose(3, 2);
        let height = if model.mlp.data_dim() == 1 {
            width.choose(150.0, 120.0)
        } else {
            // Makes the panels about square.
            width.choose(250.0, 130.0)
        };
        let rows = Row::grid(height, across, &panels);
        let (symbol, name) = if model.mlp.data_dim() == 1 {
            (Symbol::Line, "target")
        } else {
            (Symbol::Dot, "target")
        };
        let drawn = if symbol == Symbol::Dot { Symbol::Dot } else { Symbol::Patch };
        let mut legend = vec![Key::new(Colour::Samples, drawn, "samples")];
        if first.is_some() {
            legend.push(Key::new(Colour::Target, symbol, name));
        }
        Sheet { width: width.pixels(), legend, rows }
    };
    let mut caption = format!(
        "{} samples for each number of steps of {}.",
        thousands(c.rows()),
        model.solver_kind()
    );
    match (&judge, floor) {
        (Judge::Wasserstein(sides), Some(floor)) => {
            caption += &format!(
                " W₁ is the distance to the target ({}), in data units. Between two sets of real data it is \
                 {floor:.3}; a perfect model would reach about that.",
                sides.judged_on
            );
        }
        (Judge::Energy(stage), _) => {
            caption += &format!(
                " The energy distance to the target ({} {}) is squared and without bias: a perfect model has about \
                 0. It is over {}, in standard deviations.",
                thousands(stage.real.x.rows()),
                stage.judged_on,
                if subject.is_conditional() { "data and conditions together" } else { "the data" }
            );
        }
        _ => caption += " No data are available for comparison.",
    }
    if let Some(own) = model.description.steps {
        let step = if own == 1 { "step" } else { "steps" };
        caption += &format!(" The model was made for {own} {step}.");
    }
    Ok(Figure::new("steps", "Samples by number of steps", caption, numbers, sheet))
}

fn histograms(samples: &[&Matrix], target: Option<&Matrix>, name: &str) -> Vec<Panel> {
    let last = samples[samples.len() - 1].values();
    let view = marginal_view(target.map_or(last, Matrix::values));
    let count = |values: &[f32]| Histogram::over(view, BINS, values.iter().copied());
    let shapes: Vec<Histogram> = samples.iter().map(|samples| count(samples.values())).collect();
    let target = target.map(|target| count(target.values()));
    let most = target.as_ref().unwrap_or(&shapes[shapes.len() - 1]).most();
    let panel = |histogram: &Histogram| {
        let y = Axis::new([0.0, 1.35 * most.max(1e-9)], "");
        let mut panel = Panel::new("", Axis::new(view, name), y).with(Mark::steps(
            &histogram.edges(),
            &histogram.densities(),
            Colour::Samples,
            true,
        ));
        if let Some(target) = &target {
            panel = panel.with(Mark::line(target.outline(), Colour::Target, 1.5));
        }
        panel
    };
    shapes.iter().map(panel).collect()
}

fn scatters(samples: &[&Matrix], target: Option<&Matrix>, names: &[String]) -> Vec<Panel> {
    let last = samples[samples.len() - 1];
    let Rectangle { x, y } = plane_view(&[target.unwrap_or(last)], [0, 1]);
    let dots = |matrix: &Matrix, colour, opacity| Mark::Dots {
        points: super::views::points(matrix, [0, 1], DOTS),
        radius: 1.2,
        colour,
        opacity,
    };
    let panel = |samples: &&Matrix| {
        let mut panel =
            Panel::new("", Axis::new(x, names[0].as_str()), Axis::new(y, names[1].as_str()));
        if let Some(target) = target {
            panel = panel.with(dots(target, Colour::Target, 0.35));
        }
        panel.with(dots(samples, Colour::Samples, 0.7))
    };
    samples.iter().map(panel).collect()
}
