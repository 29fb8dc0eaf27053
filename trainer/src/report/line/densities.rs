//! The figure of the source density and the target density.

use serde_json::json;

use super::{Line, Shape};
use crate::report::chart::{Axis, Key, Panel, Row, Sheet, Symbol, Width};
use crate::report::colour::Colour;
use crate::report::figure::Figure;

impl Line<'_> {
    pub(super) fn densities(&self) -> Figure {
        let (end, colour, name) = self.end();
        let most = 1.08 * self.source.most().max(end.most());
        let sheet = |width: Width| {
            let x = Axis::new(self.view, self.name.as_str());
            let panel = Panel::new("", x, Axis::new([0.0, most], "density"))
                .with_all(self.source.marks(Colour::Source, true))
                .with_all(end.marks(colour, true));
            Sheet {
                width: width.pixels(),
                legend: vec![
                    Key::new(Colour::Source, Symbol::Patch, "source π₀"),
                    Key::new(colour, Symbol::Patch, name),
                ],
                rows: vec![Row::even(220.0, [panel])],
            }
        };
        let caption = if self.target.is_some() {
            "A path starts at a point of the source and ends at a point of the target. The flow must \
             transform the source density into the target density."
        } else {
            "A path starts at a point of the source. The training data are not available, so the model's \
             samples are shown instead of the target."
        };
        let numbers = json!({ "source": self.source.to_json(), name: end.to_json() });
        Figure::new("densities", "Source and target", caption, numbers, sheet)
    }
}

impl Shape {
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Known(points) => json!({ "density": points }),
            Self::Counted(histogram) => histogram.to_json(),
        }
    }
}
