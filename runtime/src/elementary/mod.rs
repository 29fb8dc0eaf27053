//! Elementary functions that give the same bits on every target.
//!
//! They use only IEEE-754 `+ − × ÷` on f32 and integer operations on bit patterns. The functions that
//! activations use have no branch on a value, so that the compiler can vectorise loops over them. The docs of
//! each function give its worst error and its special values. `fits/fit.py` in this crate's repository
//! computed the coefficients.

mod exp;
mod expm1;
mod normal_quantile;
mod polynomial;
mod tanh;

pub use exp::exp;
pub(crate) use exp::exp_within;
pub use expm1::expm1;
pub(crate) use expm1::{TINY, expm1_within};
pub use normal_quantile::normal_quantile;
pub(crate) use polynomial::polynomial;
pub use tanh::tanh;
pub(crate) use tanh::tanh_with_any_nan;

#[cfg(test)]
pub(crate) mod sweep;
