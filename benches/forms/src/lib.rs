//! Forms of each elementary function of the runtime: the shipped one and those it was chosen from,
//! by worst error, instructions on a Cortex-M4F and vector throughput.
//!
//! `benches/forms/run` measures them and prints the table that `runtime/fits/README.md` keeps.
//!
//! Every form is made of what the runtime's numeric contract allows: `+ − × ÷` on f32, each rounded
//! on its own, comparisons and operations on bits. All get the same loop. A NaN may come out with
//! any bits, as within a network's layers, except in the forms that call the runtime's own `exp`,
//! `expm1` and `tanh`, which make every NaN the canonical one.

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

/// All forms, one after the other: a form's place here is its number.
pub fn all() -> impl Iterator<Item = &'static Form> {
    FORMS.iter().copied().flatten()
}
