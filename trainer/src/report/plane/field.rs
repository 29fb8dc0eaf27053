//! The velocity field of a plane at five times.

use rayon::prelude::*;
use serde_json::json;

use super::{Plane, dots};
use crate::report::chart::{Key, Mark, Panel, Row, Sheet, Sign, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::exact::ExactField;
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::views::Flat;

/// When the field is looked at.
const TIMES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Arrows, and cells, each way.
const ARROWS: usize = 15;
const CELLS: usize = 80;

impl Plane<'_> {
    /// The model's velocities at places, `[places]`.
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

    /// Arrows on a grid, all on one scale, over where paths are then.
    pub(super) fn field(&self) -> Figure {
        let places = middles(&self.view, ARROWS);
        let fields: Vec<Vec<[f64; 2]>> =
            TIMES.iter().map(|&t| self.velocities(t, &places)).collect();
        let speeds = fields.iter().flatten().map(|[x, y]| x.hypot(*y));
        let mut speeds: Vec<f32> = speeds.map(|speed| speed as f32).collect();
        // The longest arrows would make all others dots.
        let most = crate::report::histogram::quantile(&mut speeds, 0.98).max(1e-9);
        let cell = |[from, to]: [f64; 2]| (to - from) / ARROWS as f64;
        let (cell_x, cell_y) = (cell(self.view.x), cell(self.view.y));
        let length = 1.6 * cell_x.min(cell_y) / most;
        let panels: Vec<Panel> = TIMES
            .iter()
            .zip(&fields)
            .map(|(&t, field)| {
                let arrows = places.iter().zip(field).map(|(&[x, y], &[u, v])| {
                    let shorter = (most / u.hypot(v).max(1e-12)).min(1.0);
                    let [dx, dy] = [u, v].map(|v| v * length * shorter / 2.0);
                    // Centred at the place.
                    [[x - dx, y - dy], [x + dx, y + dy]]
                });
                self.panel(&format!("t = {t}"))
                    .with(dots(&self.paths.at(t), 700, 1.3, Colour::Samples, 0.45))
                    .with(Mark::Arrows {
                        arrows: arrows.collect(),
                        colour: Colour::Ink,
                        width: 1.1,
                    })
            })
            .collect();
        let sheet = |width: Width| Sheet {
            width: width.pixels(),
            legend: vec![
                Key::new(Colour::Ink, Sign::Line, "velocity"),
                Key::new(Colour::Samples, Sign::Dot, "where paths are at that time"),
            ],
            rows: small_panels(&panels, width),
        };
        let caption = format!(
            "The velocity that the network answers at five times, all on one scale{}; the longest arrows, \
             which are cut, stand for {most:.2} and more.",
            self.subject.under()
        );
        let numbers = json!({ "times": TIMES, "places": places, "velocities": fields });
        Figure::new("field", "The learned velocity field", caption, numbers, sheet)
    }

    /// How far the learned velocity is from the exact one, where that is known.
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
        let most = heats.iter().map(|heat| heat.most).fold(0.0, f64::max);
        heats.iter_mut().for_each(|heat| heat.most = most);
        let cells = heats.iter().map(|heat| heat.values.len()).sum::<usize>() as f64;
        let squares: f64 = heats.iter().flat_map(|heat| &heat.values).map(|v| v * v).sum();
        let root = (squares / cells).sqrt();
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
            "The length of learned minus exact velocity at five times{}: the exact field between noise and \
             a mixture of Gaussians has a closed form (Lipman et al. 2023, theorem 1). The root of the \
             mean square over these pictures is {root:.3}; where no path comes by, the network was hardly \
             taught.",
            self.subject.under()
        );
        let numbers = json!({ "times": TIMES, "root_mean_square": root, "most": most });
        let title = "Learned minus exact velocity";
        Some(Figure::new("field-error", title, caption, numbers, sheet))
    }
}

/// The middles of a grid's cells, column by column from the bottom up.
fn middles(view: &Flat, cells: usize) -> Vec<[f64; 2]> {
    let middle =
        |[from, to]: [f64; 2], cell: usize| from + (to - from) * (cell as f64 + 0.5) / cells as f64;
    (0..cells * cells).map(|k| [middle(view.x, k / cells), middle(view.y, k % cells)]).collect()
}

/// Five panels in as many rows as they need.
fn small_panels(panels: &[Panel], width: Width) -> Vec<Row> {
    Row::grid(width.choose(235.0, 125.0), width.choose(3, 2), panels)
}
