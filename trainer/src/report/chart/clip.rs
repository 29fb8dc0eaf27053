//! Clips marks to their panel, which plotters does not do.

/// The ranges of a panel's axes, each in ascending order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub x: [f64; 2],
    pub y: [f64; 2],
}

impl Bounds {
    /// Makes bounds from the ranges of axes that may run backwards.
    pub fn new(x: [f64; 2], y: [f64; 2]) -> Self {
        let ordered = |[a, b]: [f64; 2]| if a < b { [a, b] } else { [b, a] };
        Self { x: ordered(x), y: ordered(y) }
    }

    /// Whether a point lies within the bounds.
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        (self.x[0]..=self.x[1]).contains(&x) && (self.y[0]..=self.y[1]).contains(&y)
    }

    /// Returns the nearest point within the bounds.
    pub fn clamp(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x.clamp(self.x[0], self.x[1]), y.clamp(self.y[0], self.y[1])]
    }

    /// Returns the part of a segment within the bounds (Liang & Barsky 1984), if there is one.
    fn segment(&self, from: [f64; 2], to: [f64; 2]) -> Option<[[f64; 2]; 2]> {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
        for (direction, room) in [
            (-dx, from[0] - self.x[0]),
            (dx, self.x[1] - from[0]),
            (-dy, from[1] - self.y[0]),
            (dy, self.y[1] - from[1]),
        ] {
            if direction == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if direction < 0.0 {
                enters = enters.max(room / direction);
            } else {
                leaves = leaves.min(room / direction);
            }
        }
        let at = |part: f64| [from[0] + part * dx, from[1] + part * dy];
        (enters <= leaves).then(|| [at(enters), at(leaves)])
    }

    /// Returns the parts of a line within the bounds. A point that is not finite splits the line.
    pub fn line(&self, points: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let mut parts: Vec<Vec<[f64; 2]>> = Vec::new();
        for pair in points.windows(2) {
            if pair.iter().flatten().any(|value| !value.is_finite()) {
                continue;
            }
            let Some([from, to]) = self.segment(pair[0], pair[1]) else { continue };
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_where_it_leaves_the_bounds() {
        let bounds = Bounds::new([0.0, 1.0], [1.0, 0.0]);
        let parts = bounds.line(&[[-1.0, 0.5], [0.5, 0.5], [0.5, 2.0], [0.75, 2.0], [0.75, 0.0]]);
        let expected = [vec![[0.0, 0.5], [0.5, 0.5], [0.5, 1.0]], vec![[0.75, 1.0], [0.75, 0.0]]];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_line_outside_the_bounds_has_no_parts() {
        let bounds = Bounds::new([0.0, 1.0], [0.0, 1.0]);
        assert!(bounds.line(&[[2.0, 0.0], [2.0, 1.0], [f64::NAN, 0.5], [0.5, 0.5]]).is_empty());
    }
}
