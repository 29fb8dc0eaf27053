//! What the columns of the data can hold: whole numbers, bounds, categories.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use crate::model_file::read_dims;
use crate::model_file::read_values;
use crate::safetensors::{File, LoadError, tri};
use crate::tensor::{Shape, TensorName};

/// What the data's columns can hold, from a model's file. A network's samples are real numbers. This makes whole numbers
/// of those that are ages or counts, keeps shares within 0 and 1, and chooses one of a column's categories.
///
/// ```
/// # use flowlet::{Columns, Euler, Mlp, Silu};
/// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
///     Mlp::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
/// static COLUMNS: Columns<2> =
///     Columns::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
///
/// let x = Euler::<20>::UNIFORM.sample(&SWIRL, [0.3, -0.2], []);
/// let x = COLUMNS.apply(x);
/// ```
///
/// [`Self::apply`] takes data units, column by column:
///
/// - **Whole numbers** are rounded to the nearest, and to the even one of two that are equally near.
/// - **Bounds**: a value below the least one becomes the least one, a value above the greatest one the greatest one.
/// - **Categories** have a column each. The column with the largest value, the first of several, becomes 1, and the others
///   become 0.
///
/// Nothing else changes, and a NaN stays one. A file without kinds of columns changes no value.
///
/// In the file, `columns.kind`, `columns.least` and `columns.most` are tensors `[D]`. A kind is 0 for a real number, 1 for a
/// whole number, and from 2 on a number that the columns of a category share. A column without a bound has the lowest or the
/// greatest finite number there.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns<const D: usize> {
    kind: [u16; D],
    least: [f32; D],
    most: [f32; D],
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
    /// [`LoadError`] if the bytes are not a model file with `D` data columns.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        let mut columns = Self { kind: [0; D], least: [f32::MIN; D], most: [f32::MAX; D] };
        let mut values = [0.0; D];
        let Self { kind, least, most } = &mut columns;
        match read(&file, kind, least, most, &mut values) {
            Ok(()) => Ok(columns),
            Err(error) => Err(error),
        }
    }

    /// What each column can hold: 0 for a real number, 1 for a whole number, and from 2 on the number of a category.
    pub fn kinds(&self) -> &[u16] {
        &self.kind
    }

    /// Each column's least and greatest value; the lowest and the greatest finite number where it has no bound.
    pub fn bounds(&self) -> [&[f32]; 2] {
        [&self.least, &self.most]
    }

    /// Whether no column has a kind or a bound, so that [`Self::apply`] changes nothing but infinities.
    pub fn is_empty(&self) -> bool {
        self.holds().is_empty(f32::MIN, f32::MAX)
    }

    fn holds(&self) -> Holds<'_, f32> {
        Holds { kind: &self.kind, least: &self.least, most: &self.most }
    }

    /// Makes a sample in data units one that the columns can hold.
    pub fn apply(&self, mut x: [f32; D]) -> [f32; D] {
        self.holds().apply(&mut x, round, (0.0, 1.0));
        x
    }
}

/// [`Columns`] of a model whose sizes come from its file.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq)]
pub struct HeapColumns {
    kind: Vec<u16>,
    least: Vec<f32>,
    most: Vec<f32>,
}

#[cfg(feature = "alloc")]
impl HeapColumns {
    /// Reads the kinds of columns of a model file.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a model file.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        file.open(bytes)?;
        let data_dim = read_dims(&file)?.data;
        let mut columns = Self {
            kind: alloc::vec![0; data_dim],
            least: alloc::vec![f32::MIN; data_dim],
            most: alloc::vec![f32::MAX; data_dim],
        };
        let Self { kind, least, most } = &mut columns;
        read(&file, kind, least, most, &mut alloc::vec![0.0; data_dim])?;
        Ok(columns)
    }

    /// What each column can hold: 0 for a real number, 1 for a whole number, and from 2 on the number of a category.
    pub fn kinds(&self) -> &[u16] {
        &self.kind
    }

    /// Each column's least and greatest value; the lowest and the greatest finite number where it has no bound.
    pub fn bounds(&self) -> [&[f32]; 2] {
        [&self.least, &self.most]
    }

    /// Whether no column has a kind or a bound, so that [`Self::apply`] changes nothing but infinities.
    pub fn is_empty(&self) -> bool {
        self.holds().is_empty(f32::MIN, f32::MAX)
    }

    fn holds(&self) -> Holds<'_, f32> {
        Holds { kind: &self.kind, least: &self.least, most: &self.most }
    }

    /// Makes samples in data units, `[n][D]`, such as the columns can hold.
    ///
    /// # Panics
    ///
    /// Panics if `x` does not have a multiple of `D` values.
    pub fn apply(&self, x: &mut [f32]) {
        let data_dim = self.kind.len().max(1);
        assert_eq!(x.len() % data_dim, 0, "x must have one value per data dimension");
        for x in x.chunks_exact_mut(data_dim) {
            self.holds().apply(x, round, (0.0, 1.0));
        }
    }
}

/// Reads the three tensors. `values` is a buffer of the same length.
const fn read(
    file: &File<'_>,
    kind: &mut [u16],
    least: &mut [f32],
    most: &mut [f32],
    values: &mut [f32],
) -> Result<(), LoadError> {
    let shape = Shape::vector(kind.len());
    if !tri!(are_there(file, shape, "F32")) {
        return Ok(());
    }
    tri!(read_values(file, NAMES[0], shape, values));
    tri!(read_values(file, NAMES[1], shape, least));
    tri!(read_values(file, NAMES[2], shape, most));
    let mut index = 0;
    while index < kind.len() && index < values.len() && index < least.len() && index < most.len() {
        kind[index] = values[index] as u16;
        if kind[index] as f32 != values[index] {
            return Err(no_kind(index, values[index] as i32));
        }
        if least[index] > most[index] {
            return Err(LoadError::BoundsCross { index });
        }
        index += 1;
    }
    Ok(())
}

/// The tensors of the kinds and of the two bounds.
pub(crate) const NAMES: [TensorName; 3] =
    [TensorName::ColumnKind, TensorName::ColumnLeast, TensorName::ColumnMost];

/// Whether the file has any of [`NAMES`]: then it must have all.
pub(crate) const fn are_there(
    file: &File<'_>,
    shape: Shape,
    dtype: &'static str,
) -> Result<bool, LoadError> {
    let mut i = 0;
    while i < NAMES.len() {
        if tri!(file.bytes(NAMES[i], shape, dtype)).is_some() {
            return Ok(true);
        }
        i += 1;
    }
    Ok(false)
}

/// The error of a number that is no kind.
pub(crate) const fn no_kind(index: usize, found: i32) -> LoadError {
    let (tensor, most) = (NAMES[0], u16::MAX as i32);
    LoadError::OutOfRange { tensor, index, least: 0, most, found }
}

/// The kind of a whole number. Those above it are categories.
const WHOLE: u16 = 1;

/// What the columns of a model can hold, `[D]` each.
#[derive(Clone, Copy)]
pub(crate) struct Holds<'a, T> {
    pub(crate) kind: &'a [u16],
    pub(crate) least: &'a [T],
    pub(crate) most: &'a [T],
}

impl<T: Copy + PartialOrd> Holds<'_, T> {
    /// Whether no column has a kind, or a bound within `lowest` and `greatest`.
    pub(crate) fn is_empty(self, lowest: T, greatest: T) -> bool {
        self.kind.iter().all(|&kind| kind == 0)
            && self.least.iter().all(|&least| least == lowest)
            && self.most.iter().all(|&most| most == greatest)
    }

    /// Makes a sample one that the columns can hold. `zero` and `one` are the values of a category's columns.
    pub(crate) fn apply(self, x: &mut [T], round: impl Fn(T) -> T, (zero, one): (T, T)) {
        let bounds = self.least.iter().zip(self.most);
        for ((x, &kind), (&least, &most)) in x.iter_mut().zip(self.kind).zip(bounds) {
            if kind == WHOLE {
                *x = round(*x);
            }
            // Not `clamp`, which could link its panic.
            if *x < least {
                *x = least;
            }
            if *x > most {
                *x = most;
            }
        }
        for (first, &category) in self.kind.iter().enumerate() {
            let before = self.kind.get(..first).unwrap_or(&[]);
            if category > WHOLE && !before.contains(&category) {
                self.choose(category, first, x, (zero, one));
            }
        }
    }

    /// Gives the largest value of a category, whose first column is `first`, `one`, and the others `zero`.
    fn choose(self, category: u16, first: usize, x: &mut [T], (zero, one): (T, T)) {
        let columns = || (0..).zip(self.kind).filter(|&(_, &other)| other == category);
        let mut chosen = first;
        for (column, _) in columns() {
            if let (Some(value), Some(largest)) = (x.get(column), x.get(chosen))
                && value > largest
            {
                chosen = column;
            }
        }
        for (column, _) in columns() {
            if let Some(x) = x.get_mut(column) {
                *x = if column == chosen { one } else { zero };
            }
        }
    }
}

/// Rounds to the nearest whole number, and to the even one of two: where a float has no fraction bits left, an addition
/// rounds so.
fn round(x: f32) -> f32 {
    /// 2²³: from here on every float is a whole number.
    const WHOLE: f32 = 8_388_608.0;
    let rounded = if (0.0..WHOLE).contains(&x) {
        (x + WHOLE) - WHOLE
    } else if -WHOLE < x && x < 0.0 {
        (x - WHOLE) + WHOLE
    } else {
        return x;
    };
    // Never −0, which would be printed as such.
    rounded + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_to_the_even_one() {
        for (x, expected) in [
            (0.5, 0.0),
            (1.5, 2.0),
            (2.5, 2.0),
            (-0.5, 0.0),
            (-1.5, -2.0),
            (0.499_999_97, 0.0),
            (4_194_304.5, 4_194_304.0),
            (4_194_305.5, 4_194_306.0),
            (8_388_607.5, 8_388_608.0),
            (8_388_609.0, 8_388_609.0),
            (-1e30, -1e30),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(round(x).to_bits(), f32::to_bits(expected), "{x}");
        }
        for bits in (0..=u32::MAX).step_by(65_521) {
            let x = f32::from_bits(bits);
            let expected = (f64::from(x).round_ties_even() + 0.0) as f32;
            assert!(round(x) == expected || x.is_nan() && round(x).is_nan(), "{x}");
        }
    }

    #[test]
    fn bounds_and_categories_hold() {
        let columns = Columns {
            kind: [0, 1, 5, 2, 5, 2],
            least: [0.0, 1.0, f32::MIN, f32::MIN, f32::MIN, f32::MIN],
            most: [1.0, 9.0, f32::MAX, f32::MAX, f32::MAX, f32::MAX],
        };
        assert!(!columns.is_empty());
        assert_eq!(columns.apply([1.2, 0.4, 0.1, -3.0, 0.1, -2.0]), [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(columns.apply([-0.1, 9.6, 0.1, 3.0, 0.2, 2.0]), [0.0, 9.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(columns.apply([0.3, 5.5, 0.0, 0.0, 0.0, 0.0]), [0.3, 6.0, 1.0, 1.0, 0.0, 0.0]);
        let [x, n, ..] = columns.apply([f32::NAN; 6]);
        assert!(x.is_nan() && n.is_nan());
    }
}
