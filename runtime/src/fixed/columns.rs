//! What the columns of the data can hold, in whole numbers.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use super::arithmetic::saturate;
use super::read::{data_bits, integers};
use crate::columns::{Holds, NAMES, are_there, no_kind};
#[cfg(feature = "alloc")]
use crate::model_file::read_integer_dims;
use crate::safetensors::{File, LoadError, tri};
use crate::tensor::Shape;

/// [`Columns`](crate::Columns) of an integer model, whose samples have the data's fraction bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns<const D: usize> {
    kind: [u16; D],
    least: [i32; D],
    most: [i32; D],
    bits: i8,
}

impl<const D: usize> Columns<D> {
    /// Reads the kinds of columns of a model file at compile time.
    ///
    /// # Panics
    ///
    /// Panics if the file is damaged or has another `D`. In a `static` or `const`, this is a compile error with the text
    /// of [`LoadError`].
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(columns) => columns,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// Reads the kinds of columns of a model file at run time.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not an integer model's file with `D` data columns.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        let bits = tri!(data_bits(&file));
        let mut columns = Self { kind: [0; D], least: [i32::MIN; D], most: [i32::MAX; D], bits };
        let mut values = [0; D];
        let Self { kind, least, most, .. } = &mut columns;
        match read(&file, kind, least, most, &mut values) {
            Ok(()) => Ok(columns),
            Err(error) => Err(error),
        }
    }

    /// What each column can hold: 0 for a real number, 1 for a whole number, and from 2 on the number of a category.
    pub fn kinds(&self) -> &[u16] {
        &self.kind
    }

    /// Each column's least and greatest value; the lowest and the greatest number where it has no bound.
    pub fn bounds(&self) -> [&[i32]; 2] {
        [&self.least, &self.most]
    }

    /// Whether no column has a kind or a bound, so that [`Self::apply`] changes nothing.
    pub fn is_empty(&self) -> bool {
        self.holds().is_empty(i32::MIN, i32::MAX)
    }

    fn holds(&self) -> Holds<'_, i32> {
        Holds { kind: &self.kind, least: &self.least, most: &self.most }
    }

    /// Makes a sample in data units one that the columns can hold.
    pub fn apply(&self, mut x: [i32; D]) -> [i32; D] {
        self.holds().apply(&mut x, |x| round(x, self.bits), (0, one(self.bits)));
        x
    }
}

/// [`Columns`] of an integer model whose sizes come from its file.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapColumns {
    kind: Vec<u16>,
    least: Vec<i32>,
    most: Vec<i32>,
    bits: i8,
}

#[cfg(feature = "alloc")]
impl HeapColumns {
    /// Reads the kinds of columns of a model file.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not an integer model's file.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        file.open(bytes)?;
        let data_dim = read_integer_dims(&file)?.0.data;
        let mut columns = Self {
            kind: alloc::vec![0; data_dim],
            least: alloc::vec![i32::MIN; data_dim],
            most: alloc::vec![i32::MAX; data_dim],
            bits: data_bits(&file)?,
        };
        let Self { kind, least, most, .. } = &mut columns;
        read(&file, kind, least, most, &mut alloc::vec![0; data_dim])?;
        Ok(columns)
    }

    /// What each column can hold: 0 for a real number, 1 for a whole number, and from 2 on the number of a category.
    pub fn kinds(&self) -> &[u16] {
        &self.kind
    }

    /// Each column's least and greatest value; the lowest and the greatest number where it has no bound.
    pub fn bounds(&self) -> [&[i32]; 2] {
        [&self.least, &self.most]
    }

    /// Whether no column has a kind or a bound, so that [`Self::apply`] changes nothing.
    pub fn is_empty(&self) -> bool {
        self.holds().is_empty(i32::MIN, i32::MAX)
    }

    fn holds(&self) -> Holds<'_, i32> {
        Holds { kind: &self.kind, least: &self.least, most: &self.most }
    }

    /// Makes samples in data units, `[n][D]`, such as the columns can hold.
    ///
    /// # Panics
    ///
    /// Panics if `x` does not have a multiple of `D` values.
    pub fn apply(&self, x: &mut [i32]) {
        let data_dim = self.kind.len().max(1);
        assert_eq!(x.len() % data_dim, 0, "x must have one value per data dimension");
        for x in x.chunks_exact_mut(data_dim) {
            self.holds().apply(x, |x| round(x, self.bits), (0, one(self.bits)));
        }
    }
}

/// Reads the three tensors. `values` is a buffer of the same length.
const fn read(
    file: &File<'_>,
    kind: &mut [u16],
    least: &mut [i32],
    most: &mut [i32],
    values: &mut [i32],
) -> Result<(), LoadError> {
    if !tri!(are_there(file, Shape::vector(kind.len()), "I32")) {
        return Ok(());
    }
    tri!(integers(file, NAMES[0], values));
    tri!(integers(file, NAMES[1], least));
    tri!(integers(file, NAMES[2], most));
    let mut index = 0;
    while index < kind.len() && index < values.len() && index < least.len() && index < most.len() {
        kind[index] = values[index] as u16;
        if kind[index] as i32 != values[index] {
            return Err(no_kind(index, values[index]));
        }
        if least[index] > most[index] {
            return Err(LoadError::BoundsCross { index });
        }
        index += 1;
    }
    Ok(())
}

/// The number 1 with `bits` fraction bits, or the nearest number of 32 bits.
fn one(bits: i8) -> i32 {
    if bits < 0 { 0 } else { saturate(1 << i64::from(bits.min(40))) }
}

/// Rounds a number with `bits` fraction bits to the nearest whole number, and to the even one of two.
fn round(x: i32, bits: i8) -> i32 {
    if bits <= 0 {
        return x;
    }
    let (x, bits) = (i64::from(x), i64::from(bits.min(40)));
    let even = (x >> bits) & 1;
    saturate(((x + (1 << (bits - 1)) - 1 + even) >> bits) << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_to_the_even_one() {
        for bits in [1, 4, 16] {
            for x in (i32::MIN..=i32::MAX).step_by(65_521) {
                let unit = f64::from(1 << bits);
                let expected = (f64::from(x) / unit).round_ties_even() * unit;
                assert_eq!(round(x, bits), expected as i32, "{x} with {bits} bits");
            }
        }
        assert_eq!([24, 40, -24, -40].map(|x| round(x, 4)), [32, 32, -32, -32]);
        assert_eq!([8, -8, 7].map(|x| round(x, 4)), [0; 3]);
        assert_eq!((round(5, 0), round(5, -3)), (5, 5));
        assert_eq!(round(i32::MAX, 32), 0);
    }

    #[test]
    fn bounds_and_categories_hold() {
        let columns = Columns {
            kind: [0, 1, 3, 3],
            least: [0, i32::MIN, i32::MIN, i32::MIN],
            most: [16, 32, i32::MAX, i32::MAX],
            bits: 4,
        };
        assert!(!columns.is_empty());
        assert_eq!(columns.apply([-1, 23, 5, 4]), [0, 16, 16, 0]);
        assert_eq!(columns.apply([17, 99, 4, 5]), [16, 32, 0, 16]);
        assert_eq!((one(4), one(40), one(-1)), (16, i32::MAX, 0));
    }
}
