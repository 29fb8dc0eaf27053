//! The user's units in whole numbers.

use anyhow::{Context, Result, ensure};

use super::calibration::Calibration;
use super::integer::{ConditionUnits, DataUnits};
use super::reference::STATE_BITS;
use crate::data::{ConditionColumn, Standardization};
use crate::disk::quote::shortened;
use crate::model::Model;

/// A standard deviation of a column has at least 2¹⁰ units of the common fraction bits.
const RESOLUTION: i32 = 10;

/// The state is taken to reach this many standard deviations, even if no path of the calibration did.
const REACH: f64 = 8.0;

/// A column of the user's units.
struct Column {
    name: String,
    mean: f64,
    scale: f64,
    /// The largest magnitude that must fit.
    extent: f64,
}

/// Returns the units of the data, whose columns are called `names`. `points` are the largest magnitudes of the paths'
/// coordinates in flow units, `[D]`.
///
/// # Errors
///
/// Returns an error that names a column that the common fraction bits cannot hold.
pub(super) fn data_units(
    units: &Standardization,
    names: Vec<String>,
    points: &[f32],
) -> Result<DataUnits> {
    let affine = units.mean.iter().zip(&units.scale).zip(points);
    let columns = names.into_iter().zip(affine);
    let columns: Vec<Column> = columns
        .map(|(name, ((&mean, &scale), &most))| {
            let (mean, scale) = (f64::from(mean), f64::from(scale));
            let reach = REACH.max(2.0 * f64::from(most));
            Column { name, mean, scale, extent: mean.abs() + reach * scale }
        })
        .collect();
    let bits = common_bits("data column", &columns)?;
    let mut made = DataUnits { bits, ..DataUnits::default() };
    for Column { name, mean, scale, .. } in &columns {
        made.mean.push((mean * exp2(bits)).round() as i32);
        let (forward, backward) = match *scale {
            0.0 => ((0, 0), (0, 0)),
            scale => {
                let factor = scale * exp2(bits) * 2.0_f64.powi(-STATE_BITS);
                let error =
                    || format!("the scale {scale:e} of the data column {}", shortened(name));
                (fraction(factor).with_context(error)?, fraction(1.0 / factor).with_context(error)?)
            }
        };
        made.scale.push(forward.0);
        made.shift.push(forward.1);
        made.inverse.push(backward.0);
        made.inverse_shift.push(backward.1);
    }
    Ok(made)
}

/// Returns the units of the conditions, which enter the first layer with `input_bits` fraction bits.
///
/// # Errors
///
/// Returns an error that names a condition that the common fraction bits cannot hold.
pub(super) fn condition_units(
    model: &Model,
    calibration: &Calibration,
    input_bits: i8,
) -> Result<ConditionUnits> {
    let units = model.units()?.condition;
    let affine = units.mean.iter().zip(&units.scale).zip(&calibration.conditions);
    let columns = condition_names(&model.condition_columns()).into_iter().zip(affine);
    let columns: Vec<Column> = columns
        .map(|(name, ((&mean, &scale), &most))| {
            let (mean, scale) = (f64::from(mean), f64::from(scale));
            Column {
                name,
                mean,
                scale,
                extent: mean.abs() + 2.0 * f64::from(most).max(1.0) * scale,
            }
        })
        .collect();
    if columns.is_empty() {
        return Ok(ConditionUnits::default());
    }
    let bits = common_bits("condition", &columns)?;
    let mut made = ConditionUnits { bits, ..ConditionUnits::default() };
    for Column { name, mean, scale, .. } in &columns {
        let factor = exp2(input_bits) / (scale * exp2(bits));
        let error = || format!("the scale {scale:e} of the condition {}", shortened(name));
        let (scale, shift) = fraction(factor).with_context(error)?;
        made.mean.push((mean * exp2(bits)).round() as i32);
        made.scale.push(scale);
        made.shift.push(shift);
    }
    Ok(made)
}

/// Returns the name of each of the network's `C` condition columns.
fn condition_names(columns: &[ConditionColumn]) -> Vec<String> {
    let names = columns.iter().flat_map(|column| match &column.categories {
        Some(categories) => {
            categories.iter().map(|category| format!("{} = {category}", column.name)).collect()
        }
        None => vec![column.name.clone()],
    });
    names.collect()
}

/// Returns the most fraction bits with which every column's extent fits 31 bits.
fn common_bits(what: &str, columns: &[Column]) -> Result<i8> {
    let widest = columns.iter().max_by(|a, b| a.extent.total_cmp(&b.extent));
    let widest = widest.context("a model has at least one data column")?;
    let bits = match widest.extent {
        0.0 => 0,
        extent => (30.0 - extent.log2()).floor().clamp(-64.0, 64.0) as i8,
    };
    for Column { name, scale, .. } in columns {
        let units = scale * exp2(bits);
        ensure!(
            *scale == 0.0 || units >= 2.0_f64.powi(RESOLUTION),
            "the {what} {} has the standard deviation {scale:.3e}, but the {what} {} reaches {:.3e}: both do not fit \
             32-bit numbers with the same fraction bits. Give them in other units, or without a large offset, and \
             train again",
            shortened(name),
            shortened(&widest.name),
            widest.extent
        );
    }
    Ok(bits)
}

/// Returns `m` and `s` with `m ÷ 2ˢ` next to `factor`, which is above 0. `m` has 31 bits if `s`, at most 62, allows it.
fn fraction(factor: f64) -> Result<(i32, i8)> {
    let exponent = factor.log2().floor() as i32;
    let mut shift = (30 - exponent).min(62);
    let mut m = (factor * 2.0_f64.powi(shift)).round();
    if m >= 2.0_f64.powi(31) {
        shift -= 1;
        m = (factor * 2.0_f64.powi(shift)).round();
    }
    ensure!(
        shift >= 0 && m >= 1.0 && m < 2.0_f64.powi(31),
        "it does not fit the integer model's numbers: expected 2^-32 to 2^31, found a factor of {factor:e}"
    );
    Ok((m as i32, shift as i8))
}

fn exp2(bits: i8) -> f64 {
    2.0_f64.powi(bits.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_column_stays_constant() {
        let units = Standardization { mean: vec![1.0, 7.25], scale: vec![3.0, 0.0] };
        let names = vec!["a".to_string(), "b".to_string()];
        let found = data_units(&units, names, &[4.0, 1.0]).unwrap();
        assert_eq!((found.scale[1], found.inverse[1]), (0, 0));
        assert_eq!(f64::from(found.mean[1]) / exp2(found.bits), 7.25);
    }

    #[test]
    fn a_fraction_has_31_bits_where_the_shift_allows_it() {
        assert_eq!(fraction(1.0).unwrap(), (1 << 30, 30));
        assert_eq!(fraction(2.0_f64.powi(-40)).unwrap(), (1 << 22, 62));
        assert_eq!(fraction(1.0 - 1e-12).unwrap(), (1 << 30, 30));
        for factor in [3.7, 1e-3, 2.0_f64.powi(30), 0.999_999_999] {
            let (m, s) = fraction(factor).unwrap();
            let error = f64::from(m) / 2.0_f64.powi(s.into()) / factor - 1.0;
            assert!(error.abs() < 1e-9 && m >= 1 << 29, "{factor}: {m} {s}");
        }
        assert!(fraction(2.0_f64.powi(32)).is_err());
        assert!(fraction(1e-30).is_err());
    }
}
