//! The order of the input columns, and the convention of time. Both go into the first layer's weights, so that the runtime
//! knows nothing of them.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use super::dense::Dense;
use super::refusal::WAY;
use crate::disk::quote::quoted;

/// The time that a network is given, where flowlet has t from 0 (noise) to 1 (data).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Whether noise is at 1 and data at 0. The network's velocity then leads from data to noise.
    pub reversed: bool,
    /// What the network's time is multiplied by: 1000 if it runs from 0 to 1000.
    pub scale: f64,
}

impl Default for Time {
    fn default() -> Self {
        Self { reversed: false, scale: 1.0 }
    }
}

impl Time {
    /// Changes the layers so that they take flowlet's time and give flowlet's velocity. The first column of the first
    /// layer is the time.
    ///
    /// # Errors
    ///
    /// Returns an error if the scale is not a positive number, or the network is given no time.
    pub(super) fn fold(self, layers: &mut [Dense], has_time: bool) -> Result<()> {
        ensure!(
            self.scale.is_finite() && self.scale > 0.0,
            "--time-scale is {}: expected a positive number, such as 1000",
            self.scale
        );
        if self == Self::default() {
            return Ok(());
        }
        ensure!(
            has_time,
            "--time and --time-scale: the network is given no time, since --columns names no t"
        );
        let [first, .., last] = layers else { return Ok(()) };
        for (row, bias) in first.rows.iter_mut().zip(&mut first.bias) {
            // w·s·(1 − t) = w·s − w·s·t
            let scaled = row[0] * self.scale;
            row[0] = if self.reversed { -scaled } else { scaled };
            *bias += if self.reversed { scaled } else { 0.0 };
        }
        if self.reversed {
            let Dense { rows, bias, .. } = last;
            rows.iter_mut().flatten().chain(bias).for_each(|value| *value = -*value);
        }
        Ok(())
    }
}

/// The input columns of a network.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// Whether the time is among them.
    pub(super) has_time: bool,
    /// The number of conditions.
    pub(super) conditions: usize,
    /// For each input of the runtime, which are `t`, `x` and `c` in this order, the column in the network. `None` for a
    /// time that the network does not take.
    order: Vec<Option<usize>>,
}

impl Columns {
    /// Finds the columns of a network by their order `names`, its number of inputs and its data columns.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is unknown, missing or given twice, or the inputs are too few or too many.
    pub(super) fn new(names: &[String], inputs: usize, data_dim: usize) -> Result<Self> {
        let has_time = names.iter().any(|name| name == "t");
        let own = usize::from(has_time) + data_dim;
        let Some(conditions) = inputs.checked_sub(own) else {
            bail!(
                "--columns {}: expected at least {own} inputs, for {}the {data_dim} data columns",
                names.join(","),
                if has_time { "t and " } else { "" }
            );
        };
        let (mut starts, mut at) = (BTreeMap::new(), 0);
        for name in names {
            let width = match name.as_str() {
                "t" => 1,
                "x" => data_dim,
                "c" => conditions,
                _ => bail!("--columns: expected t, x or c, found {}", quoted(name)),
            };
            ensure!(starts.insert(name.as_str(), at).is_none(), "--columns: {name} is given twice");
            at += width;
        }
        ensure!(
            starts.contains_key("x"),
            "--columns: x is missing, but the network has {data_dim} such columns"
        );
        ensure!(
            conditions == 0 || starts.contains_key("c"),
            "--columns: c is missing, but the network has {conditions} such columns: inputs beside {}the {data_dim} data \
             columns. If they are conditions, name their place with c. If they are features of the time (sines and \
             cosines, say), the runtime has none: its first layer takes t itself. {WAY}",
            if has_time { "t and " } else { "" }
        );
        let of = |name: &str, width: usize| {
            let start = starts.get(name).copied();
            (0..width).map(move |column| start.map(|start| start + column))
        };
        let order = of("t", 1).chain(of("x", data_dim)).chain(of("c", conditions)).collect();
        Ok(Self { has_time, conditions, order })
    }

    /// Puts the columns of the first layer into the runtime's order. A time that the network does not take gets the
    /// weight 0.
    pub(super) fn reorder(&self, first: &mut Dense) {
        for row in &mut first.rows {
            *row =
                self.order.iter().map(|column| column.map_or(0.0, |column| row[column])).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_string).collect()
    }

    #[test]
    fn columns_are_put_into_the_runtimes_order() {
        let mut layer =
            Dense { name: "a".into(), rows: vec![vec![1.0, 2.0, 3.0, 4.0]], bias: vec![0.0] };
        let columns = Columns::new(&names("c,x,t"), 4, 2).unwrap();
        columns.reorder(&mut layer);
        assert_eq!(layer.rows, [[4.0, 2.0, 3.0, 1.0]]);
        let columns = Columns::new(&names("x,c"), 4, 3).unwrap();
        assert!(!columns.has_time && columns.conditions == 1);
        columns.reorder(&mut layer);
        assert_eq!(layer.rows, [[0.0, 4.0, 2.0, 3.0, 1.0]]);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        for (order, inputs, expected) in [
            ("t,x", 4, "c is missing, but the network has 1"),
            ("t,x", 40, "features of the time"),
            ("t,x", 2, "at least 3 inputs, for t and the 2"),
            ("t,c", 4, "x is missing"),
            ("t,x,x", 3, "x is given twice"),
            ("t,x,z", 3, "found \"z\""),
        ] {
            let error = Columns::new(&names(order), inputs, 2).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    /// A network of one hidden unit without an activation: v = 3·(2·s + x + 0.5) − 1, with s the network's time.
    #[test]
    fn conventions_of_time_are_folded_into_the_weights() {
        let layers = || {
            let layer = |row: &[f64], bias| Dense {
                name: "a".into(),
                rows: vec![row.to_vec()],
                bias: vec![bias],
            };
            [layer(&[2.0, 1.0], 0.5), layer(&[3.0], -1.0)]
        };
        let velocity = |layers: &[Dense], t: f64, x: f64| {
            let [first, last] = layers else { panic!("two layers") };
            let unit = first.rows[0][0] * t + first.rows[0][1] * x + first.bias[0];
            last.rows[0][0] * unit + last.bias[0]
        };
        for (reversed, scale) in [(false, 1.0), (true, 1.0), (false, 1000.0), (true, 1000.0)] {
            let mut folded = layers();
            Time { reversed, scale }.fold(&mut folded, true).unwrap();
            for (t, x) in [(0.0, 1.0), (0.25, -2.0), (1.0, 0.5)] {
                let s = if reversed { 1.0 - t } else { t };
                let sign = if reversed { -1.0 } else { 1.0 };
                assert_eq!(velocity(&folded, t, x), sign * velocity(&layers(), s * scale, x));
            }
        }
        let refused = Time { reversed: true, scale: 1.0 }.fold(&mut layers(), false);
        assert!(refused.unwrap_err().to_string().contains("no time"));
        for scale in [0.0, -1.0, f64::NAN] {
            let refused = Time { reversed: false, scale }.fold(&mut layers(), true);
            assert!(refused.unwrap_err().to_string().contains("a positive number"));
        }
    }
}
