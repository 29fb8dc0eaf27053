//! A start-up check that this machine computes the model's bits.

use core::error::Error;
use core::fmt;
use core::hint::black_box;

use crate::model_file::read_values;
use crate::safetensors::{File, LoadError, tri};
use crate::scalar::sealed::Arithmetic as _;
use crate::tensor::{SELF_TEST_STEPS as STEPS, Shape, TensorName};
use crate::text::Message;
use crate::velocity::VelocityField;

/// Four golden steps of Euler's method from a model's file, one of them with subnormal numbers. A program
/// runs them when it starts. They show that its floating-point environment, its compiler and its copy of the
/// weights give the bits that the model was verified with.
///
/// ```
/// use flowlet::{Mlp, SelfTest, Silu};
///
/// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
///     Mlp::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
/// static CHECK: SelfTest<2, 0> =
///     SelfTest::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
///
/// assert_eq!(CHECK.run(&SWIRL), Ok(()));
/// ```
///
/// It costs four evaluations and `16·(2 + 2·D + C)` bytes of flash. `flowlet train` and `flowlet import`
/// write the steps.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest<const D: usize, const C: usize> {
    t: [f32; STEPS],
    dt: [f32; STEPS],
    x: [[f32; D]; STEPS],
    condition: [[f32; C]; STEPS],
    next: [[f32; D]; STEPS],
}

impl<const D: usize, const C: usize> SelfTest<D, C> {
    /// Reads the golden steps of a model file at compile time.
    ///
    /// # Panics
    ///
    /// Panics if the file has no golden steps, or has other `D` or `C`. In a `static` or `const`, this is a
    /// compile error with the text of [`LoadError`].
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(test) => test,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// Reads the golden steps of a model file at run time.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a model file with golden steps for this `D` and `C`.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        let mut test = Self {
            t: [0.0; STEPS],
            dt: [0.0; STEPS],
            x: [[0.0; D]; STEPS],
            condition: [[0.0; C]; STEPS],
            next: [[0.0; D]; STEPS],
        };
        let (times, points) = (Shape::vector(STEPS), Shape::matrix(STEPS, D));
        tri!(read_values(&file, TensorName::SelfTestTime, times, &mut test.t));
        tri!(read_values(&file, TensorName::SelfTestDt, times, &mut test.dt));
        tri!(read_values(&file, TensorName::SelfTestX, points, test.x.as_flattened_mut()));
        if C > 0 {
            let shape = Shape::matrix(STEPS, C);
            let condition = test.condition.as_flattened_mut();
            tri!(read_values(&file, TensorName::SelfTestCondition, shape, condition));
        }
        tri!(read_values(&file, TensorName::SelfTestNext, points, test.next.as_flattened_mut()));
        Ok(test)
    }

    /// Takes each step and compares the bits of every coordinate with the golden ones.
    ///
    /// # Errors
    ///
    /// [`SelfTestError`] for the first coordinate that differs.
    pub fn run(&self, field: &impl VelocityField<D, C>) -> Result<(), SelfTestError> {
        let steps = self.t.iter().zip(&self.dt).zip(&self.x).zip(&self.condition).zip(&self.next);
        for (step, ((((&t, &dt), &x), &c), next)) in steps.enumerate() {
            // Prevents constant folding, so that this machine computes the step.
            let (t, dt, x) = (black_box(t), black_box(dt), black_box(x));
            let v = field.velocity(t, x, c);
            for (coordinate, ((&x, &v), next)) in x.iter().zip(&v).zip(next).enumerate() {
                let (expected, found) = (next.to_bits(), x.advanced(v, dt).to_bits());
                if found != expected {
                    return Err(SelfTestError { step, coordinate, expected, found });
                }
            }
        }
        Ok(())
    }
}

/// The first coordinate that differs from the golden one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelfTestError {
    /// The step, from 0.
    pub step: usize,
    /// The coordinate of the point after the step, from 0.
    pub coordinate: usize,
    /// The bits that the model's file has.
    pub expected: u32,
    /// The bits that were computed.
    pub found: u32,
}

impl SelfTestError {
    /// The text of [`Display`](fmt::Display), made without `core::fmt`, which takes much flash.
    pub const fn message(&self) -> Message {
        let m = Message::new()
            .text("self-test failed at step ")
            .number(self.step as u64)
            .text(", coordinate ")
            .number(self.coordinate as u64)
            .text(": expected bits ")
            .hexadecimal(self.expected)
            .text(", found ")
            .hexadecimal(self.found);
        if f32::from_bits(self.expected).is_subnormal() {
            m.text("; this machine may flush subnormals to zero")
        } else {
            m
        }
    }
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl Error for SelfTestError {}
