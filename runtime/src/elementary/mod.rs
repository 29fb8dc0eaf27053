//! Elementary functions that give the same bits everywhere.
//!
//! Each is made of IEEE-754 `+ − × ÷` on f32 and of integer operations on bit patterns, with no
//! branch that depends on a value in the functions that activations use, so that a loop over them
//! becomes vector code. Domains and worst errors stand at each; `fits/fit.py` in this crate's
//! repository made the coefficients.

mod exp;
mod expm1;
mod normal_cdf;
mod normal_quantile;
mod polynomial;
mod tanh;

pub use exp::exp;
pub use expm1::expm1;
pub use normal_cdf::normal_cdf;
pub use normal_quantile::normal_quantile;
pub(crate) use polynomial::polynomial;
pub use tanh::tanh;

#[cfg(test)]
pub(crate) mod sweep;
