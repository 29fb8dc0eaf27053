//! One form of a function, and the macro that builds it.

use crate::Function;

/// One way to compute a function.
pub struct Form {
    /// The function.
    pub function: Function,
    /// The form's name in the table.
    pub name: &'static str,
    /// Whether its bits are those of the runtime.
    pub shipped: bool,
    /// Its worst errors over all inputs.
    pub errors: Errors,
    /// Computes the function of each input. An input is the bits of an f32, or the random bits of a draw.
    pub slice: fn(&[u32], &mut [f32]),
}

/// Worst errors over all inputs, or ∞ where no bound is stated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Error relative to the result, where the result is a normal number.
    pub of_result: f64,
    /// Error relative to |x|.
    pub of_input: f64,
}

/// Builds a [`Form`] from a function of one number, which is inlined into the loop over a slice.
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

/// The argument of a form: a number, or random bits.
pub(crate) trait Input {
    /// Converts an element of a slice.
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
