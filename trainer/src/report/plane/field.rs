//! The velocity field of a plane at five times.

use rayon::prelude::*;
use serde_json::json;

use super::{Plane, dots};
use crate::report::chart::{Key, Mark, Panel, Row, Sheet, Symbol, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::exact::ExactField;
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::quantile;
use crate::report::views::{Rectangle, points};

/// The times at which the field is shown.
const TIMES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Arrows in each direction, on a screen and on a phone.
const ARROWS: usize = 15;
const FEW_ARROWS: usize = 9;

/// Cells of a heat map in each direction.
const CELLS: usize = 80;

impl Plane<'_> {
    /// Returns the model's velocities at time `t` and each of `places`, in flow units.
    fn velocities(&self, t: f64, places: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let mlp = &self.subject.model.mlp;
        let c = &self.subject.shown.c;
        places
            .par_iter()
            .map_init(
                || mlp.scratch(),
                |scratch, place| {
                    let v = mlp.velocity(t as f32, &place.map(|x| x as f32), c, scratch);
                    [v[0], v[1]].map(f64::from)
                },
            )
            .collect()
    }

    /// Makes a panel of the field at each time, with `arrows` arrows in each direction. All have one scale:
    /// arrows get no longer from the speed `fastest` on.
    fn arrow_panels(&self, arrows: usize, fastest: f64) -> Vec<Panel> {
        let places = middles(&self.view, arrows);
        let cell = |[from, to]: [f64; 2]| (to - from) / arrows as f64;
        let length = 1.6 * cell(self.view.x).min(cell(self.view.y)) / fastest;
        let panel = |&t: &f64| {
            let field = self.velocities(t, &places);
            let arrows = places.iter().zip(field).map(|(&[x, y], [u, v])| {
                let shorter = (fastest / u.hypot(v).max(1e-12)).min(1.0);
                let [dx, dy] = [u, v].map(|v| v * length * shorter / 2.0);
                // The arrow's middle is at the place.
                [[x - dx, y - dy], [x + dx, y + dy]]
            });
            let arrows = arrows.collect();
            self.panel(&format!("t = {t}"))
                .with(dots(&self.paths.at(t), 700, 1.3, Colour::Samples, 0.45))
                .with(Mark::Arrows { arrows, colour: Colour::Ink, width: 1.1 })
        };
        TIMES.iter().map(panel).collect()
    }

    pub(super) fn field(&self) -> Figure {
        let places = middles(&self.view, ARROWS);
        let fields: Vec<Vec<[f64; 2]>> =
            TIMES.iter().map(|&t| self.velocities(t, &places)).collect();
        let speeds = fields.iter().flatten().map(|[x, y]| x.hypot(*y) as f32);
        // If the longest arrows set the scale, all others could look like dots.
        let fastest = quantile(&mut speeds.collect::<Vec<_>>(), 0.98).max(1e-9);
        let panels = |width: Width| self.arrow_panels(width.choose(ARROWS, FEW_ARROWS), fastest);
        let sheet = |width: Width| Sheet {
            width: width.pixels(),
            legend: vec![
                Key::new(Colour::Ink, Symbol::Line, "velocity"),
                Key::new(Colour::Samples, Symbol::Dot, "points of paths at that time"),
            ],
            rows: small_panels(&panels(width), width),
        };
        let caption = format!(
            "The network's velocity at five times, on one scale{}. The longest arrows are cut: they stand \
             for {fastest:.2} and more.",
            self.subject.under()
        );
        let numbers = json!({ "times": TIMES, "places": places, "velocities": fields });
        Figure::new("field", "The learned velocity field", caption, numbers, sheet)
    }

    /// Makes the figure of learned minus exact velocity, if the exact one is known.
    pub(super) fn field_error(&self) -> Option<Figure> {
        let exact = ExactField::of(self.subject)?;
        let places = middles(&self.view, CELLS);
        let mut heats: Vec<Heat> = TIMES
            .iter()
            .map(|&t| {
                let learned = self.velocities(t, &places);
                let values = places.iter().zip(learned).map(|(place, [u, v])| {
                    let truth = exact.velocity(t, place);
                    (u - truth[0]).hypot(v - truth[1])
                });
                Heat::new(Ramp::Amount, [CELLS; 2], values.collect())
            })
            .collect();
        // Errors count on the model's paths: elsewhere the network has little training data and is not used.
        let passed: Vec<f32> = TIMES
            .iter()
            .flat_map(|&t| {
                let points = points(&self.paths.at(t), [0, 1], 1000);
                let learned = self.velocities(t, &points);
                let errors = points.iter().zip(learned).map(|(place, [u, v])| {
                    let truth = exact.velocity(t, place);
                    (u - truth[0]).hypot(v - truth[1]) as f32
                });
                errors.collect::<Vec<_>>()
            })
            .collect();
        let squares: f64 = passed.iter().map(|&error| f64::from(error).powi(2)).sum();
        let root = (squares / passed.len() as f64).sqrt();
        let most = quantile(&mut passed.clone(), 0.99).max(1e-9);
        heats.iter_mut().for_each(|heat| heat.most = most);
        let panels: Vec<Panel> = TIMES
            .iter()
            .zip(&heats)
            .map(|(&t, heat)| {
                let picture = Mark::Picture { heat: heat.clone(), x: self.view.x, y: self.view.y };
                self.panel(&format!("t = {t}")).with(picture)
            })
            .collect();
        let sheet = |width: Width| {
            let mut rows = small_panels(&panels, width);
            rows.push(Row::scale(&heats[0], "length of learned − exact velocity"));
            Sheet { width: width.pixels(), legend: Vec::new(), rows }
        };
        let caption = format!(
            "The length of learned minus exact velocity at five times{}. The exact field between noise and \
             a mixture of Gaussians has a closed form (Lipman et al. 2023, theorem 1). On the model's paths \
             the root mean square is {root:.3}; elsewhere the network had little training data. Colours end \
             at {most:.2}.",
            self.subject.under()
        );
        let numbers = json!({ "times": TIMES, "root_mean_square": root, "most": most });
        let title = "Learned minus exact velocity";
        Some(Figure::new("field-error", title, caption, numbers, sheet))
    }
}

/// Returns the midpoints of a grid's cells, column by column, each from the bottom up.
fn middles(view: &Rectangle, cells: usize) -> Vec<[f64; 2]> {
    let middle =
        |[from, to]: [f64; 2], cell: usize| from + (to - from) * (cell as f64 + 0.5) / cells as f64;
    (0..cells * cells).map(|k| [middle(view.x, k / cells), middle(view.y, k % cells)]).collect()
}

/// Arranges small panels in rows.
fn small_panels(panels: &[Panel], width: Width) -> Vec<Row> {
    Row::grid(width.choose(235.0, 125.0), width.choose(3, 2), panels)
}
