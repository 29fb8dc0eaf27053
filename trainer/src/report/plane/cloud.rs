//! The animation of noise that moves to samples.

use serde_json::json;

use super::{Plane, dots, side_by_side};
use crate::report::chart::{Key, Sheet, Symbol, Width};
use crate::report::colour::Colour;
use crate::report::figure::{Animation, Figure};
use crate::report::views::points;

/// The most points that move.
const DOTS: usize = 500;

/// Frames from t = 0 to t = 1.
const FRAMES: usize = 41;

/// Frames at the end that repeat the last one.
const REST: usize = 12;

impl Plane<'_> {
    pub(super) fn cloud(&self) -> Figure {
        let ends = self.ends(1500);
        let sheet = |width: Width| {
            let mut panels = vec![self.panel("")];
            let mut legend =
                vec![Key::new(Colour::Samples, Symbol::Dot, "points that move along the flow")];
            if let Some(ends) = &ends {
                let target = self.panel("target");
                panels.push(target.with(dots(ends, 1500, 1.4, Colour::Target, 0.7)));
                legend.push(Key::new(Colour::Target, Symbol::Dot, "target π₁"));
            }
            Sheet { width: width.pixels(), legend, rows: side_by_side(width, panels) }
        };
        let times: Vec<f64> = (0..FRAMES).map(|k| k as f64 / (FRAMES - 1) as f64).collect();
        let mut frames: Vec<Vec<[f64; 2]>> =
            times.iter().map(|&t| points(&self.paths.at(t), [0, 1], DOTS)).collect();
        let mut texts: Vec<String> = times.iter().map(|t| format!("t = {t:.2}")).collect();
        let (last, text) = (frames[FRAMES - 1].clone(), texts[FRAMES - 1].clone());
        frames.resize(FRAMES + REST, last);
        texts.resize(FRAMES + REST, text);
        let n = frames[0].len();
        let caption = format!(
            "{n} points move along the flow from noise to samples{}.{}",
            self.subject.under(),
            self.of_which()
        );
        let numbers = json!({ "times": times, "points": n });
        let (trail, radius, pace) = (false, 2.0, 80);
        let animation = Animation { panel: [0, 0], frames, texts, trail, radius, pace };
        Figure::new("flow", "The flow", caption, numbers, sheet).moving(animation)
    }
}
