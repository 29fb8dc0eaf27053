//! A form of a function, and what makes one.

use crate::Function;

/// One way to compute a function.
pub struct Form {
    /// What it computes.
    pub function: Function,
    /// What it is.
    pub name: &'static str,
    /// Whether it gives the runtime's own bits.
    pub shipped: bool,
    /// Its worst errors over all inputs.
    pub errors: Errors,
    /// The function of each input: an f32's bits, or the random bits of a draw.
    pub slice: fn(&[u32], &mut [f32]),
}

/// Worst errors over all inputs; ∞ where no bound is of use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Relative to the result, where it is a normal number.
    pub of_result: f64,
    /// Relative to |x|.
    pub of_input: f64,
}

/// A [`Form`] by its function of one number, which the loop takes in.
macro_rules! form {
    ($function:ident, $name:literal, $shipped:literal, [$of_result:expr, $of_input:expr], $f:expr) => {
        crate::Form {
            function: crate::Function::$function,
            name: $name,
            shipped: $shipped,
            errors: crate::Errors { of_result: $of_result, of_input: $of_input },
            slice: |bits, out| {
                for (y, &bits) in out.iter_mut().zip(bits) {
                    *y = $f(crate::form::Input::from_bits(bits));
                }
            },
        }
    };
}
pub(crate) use form;

/// What a form takes.
pub(crate) trait Input {
    /// From what a slice holds.
    fn from_bits(bits: u32) -> Self;
}

impl Input for f32 {
    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        f32::from_bits(bits)
    }
}

impl Input for u32 {
    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits
    }
}
