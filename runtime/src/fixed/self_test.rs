//! A start-up check that this machine computes the integer model's bits.

use core::error::Error;
use core::fmt;
use core::hint::black_box;

use super::read::integers_of;
use crate::safetensors::{File, LoadError, tri};
use crate::scalar::sealed::Arithmetic as _;
use crate::tensor::{SELF_TEST_STEPS as STEPS, Shape, TensorName};
use crate::text::Message;
use crate::velocity::VelocityField;

/// [`SelfTest`](crate::SelfTest) in whole numbers: four golden steps of Euler's method from an integer model's file.
/// They show that a program's compiler and its copy of the weights give the bits that the model was verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest<const D: usize, const C: usize> {
    t: [i32; STEPS],
    dt: [i32; STEPS],
    x: [[i32; D]; STEPS],
    condition: [[i32; C]; STEPS],
    next: [[i32; D]; STEPS],
}

impl<const D: usize, const C: usize> SelfTest<D, C> {
    /// Reads the golden steps of a model file at compile time.
    ///
    /// # Panics
    ///
    /// Panics if the file has no golden steps, or has other `D` or `C`. In a `static` or `const`, this is a compile
    /// error with the text of [`LoadError`].
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
    /// [`LoadError`] if the bytes are not an integer model's file with golden steps for this `D` and `C`.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        let mut test = Self {
            t: [0; STEPS],
            dt: [0; STEPS],
            x: [[0; D]; STEPS],
            condition: [[0; C]; STEPS],
            next: [[0; D]; STEPS],
        };
        let (times, points) = (Shape::vector(STEPS), Shape::matrix(STEPS, D));
        tri!(integers_of(&file, TensorName::SelfTestTime, times, &mut test.t));
        tri!(integers_of(&file, TensorName::SelfTestDt, times, &mut test.dt));
        tri!(integers_of(&file, TensorName::SelfTestX, points, test.x.as_flattened_mut()));
        if C > 0 {
            let shape = Shape::matrix(STEPS, C);
            let condition = test.condition.as_flattened_mut();
            tri!(integers_of(&file, TensorName::SelfTestCondition, shape, condition));
        }
        tri!(integers_of(&file, TensorName::SelfTestNext, points, test.next.as_flattened_mut()));
        Ok(test)
    }

    /// Takes each step and compares every coordinate with the golden one.
    ///
    /// # Errors
    ///
    /// [`SelfTestError`] for the first coordinate that differs.
    pub fn run(&self, field: &impl VelocityField<D, C, i32>) -> Result<(), SelfTestError> {
        let steps = self.t.iter().zip(&self.dt).zip(&self.x).zip(&self.condition).zip(&self.next);
        for (step, ((((&t, &dt), &x), &c), next)) in steps.enumerate() {
            // Prevents constant folding, so that this machine computes the step.
            let (t, dt, x) = (black_box(t), black_box(dt), black_box(x));
            let v = field.velocity(t, x, c);
            for (coordinate, ((x, &v), next)) in x.iter().zip(&v).zip(next).enumerate() {
                let (expected, found) = (*next, x.advanced(v, dt));
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
    /// The number that the model's file has.
    pub expected: i32,
    /// The number that was computed.
    pub found: i32,
}

impl SelfTestError {
    /// The text of [`Display`](fmt::Display), made without `core::fmt`, which takes much flash.
    pub const fn message(&self) -> Message {
        Message::new()
            .text("self-test failed at step ")
            .number(self.step as u64)
            .text(", coordinate ")
            .number(self.coordinate as u64)
            .text(": expected ")
            .integer(self.expected)
            .text(", found ")
            .integer(self.found)
    }
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl Error for SelfTestError {}
