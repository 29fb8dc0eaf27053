//! Forms of each elementary function of the runtime: the shipped form and the alternatives, compared by
//! worst error, instructions on a Cortex-M4F and vector throughput.
//!
//! `benches/forms/run` measures them and prints the table that stands in `runtime/fits/README.md`.
//!
//! Every form uses only what the runtime's numeric contract allows: `+ − × ÷` on f32, each rounded
//! separately, comparisons, and operations on bits. All forms run in the same loop. A NaN result may have
//! any bits, as between a network's layers. Only the forms that call the runtime's own `exp`, `expm1` and
//! `tanh` return the canonical NaN.

#![no_std]

mod elu;
mod exp;
mod form;
mod function;
mod gelu;
mod gelu_tanh;
mod mish;
mod normal;
mod polynomial;
mod selu;
mod silu;
mod tanh;
mod worst;

pub use form::{Errors, Form};
pub use function::Function;
pub use worst::{Truth, Worst};

use form::form;

/// The forms of all functions, each function's shipped one first.
pub static FORMS: [&[Form]; 8] = [
    &gelu::FORMS,
    &gelu_tanh::FORMS,
    &silu::FORMS,
    &selu::FORMS,
    &tanh::FORMS,
    &elu::FORMS,
    &mish::FORMS,
    &normal::FORMS,
];

/// All forms in order. A form's index here is its number.
pub fn all() -> impl Iterator<Item = &'static Form> {
    FORMS.iter().copied().flatten()
}
