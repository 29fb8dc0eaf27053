//! Floats as the integer contract's numbers.

use anyhow::{Result, ensure};

use super::reference::{STATE_BITS, TIME_BITS, WEIGHT_BITS};
use crate::data::Matrix;

/// Returns points as rows of whole numbers.
pub fn points(x: &Matrix) -> Vec<i32> {
    whole(x.values(), STATE_BITS)
}

/// Returns times.
pub fn times(t: &[f32]) -> Vec<i32> {
    whole(t, TIME_BITS)
}

/// Returns numbers in the user's units, which have `bits` fraction bits.
pub fn user_units(x: &Matrix, bits: i8) -> Vec<i32> {
    whole(x.values(), bits.into())
}

/// Returns a guidance weight.
///
/// # Errors
///
/// Returns an error if it does not fit.
pub fn guidance(weight: f32) -> Result<i32> {
    let most = f64::from(i32::MAX) * 2.0_f64.powi(-WEIGHT_BITS);
    ensure!(
        f64::from(weight).abs() <= most,
        "--guidance {weight}: an integer model takes weights of at most {most:.0} in magnitude"
    );
    Ok(whole(&[weight], WEIGHT_BITS)[0])
}

fn whole(values: &[f32], bits: i32) -> Vec<i32> {
    // A cast of a float saturates.
    let nearest = |&x: &f32| (f64::from(x) * 2.0_f64.powi(bits)).round() as i32;
    values.iter().map(nearest).collect()
}

/// Returns numbers with `bits` fraction bits as floats.
pub fn floats(values: &[i32], bits: i32) -> Vec<f32> {
    values.iter().map(|&x| (f64::from(x) * 2.0_f64.powi(-bits)) as f32).collect()
}
