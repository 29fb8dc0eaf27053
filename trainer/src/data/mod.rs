//! The data that models learn from: known distributions and the user's files.

mod check_row;
mod columns;
mod condition_source;
mod conditions;
mod dates;
mod digits;
mod distribution;
pub mod kinds;
mod matrix;
mod mixture;
mod named_conditions;
mod notation;
mod npy_header;
pub mod random;
mod read;
pub mod row_format;
mod rows;
mod split;
mod standardization;
mod table;
pub mod table_options;
mod target;
pub mod times;

pub use check_row::Advice;
pub use columns::default_names;
pub use conditions::{ConditionColumn, default_conditions, encode, load_conditions, load_starts};
pub use distribution::{Distribution, PRESETS, preset};
pub use matrix::{Matrix, Points};
pub use mixture::{Component, GaussianMixture};
pub use named_conditions::in_order;
pub use read::ENDINGS;
pub(crate) use read::WholeArray;
pub use rows::{Rows, RowsOptions, load};
pub use split::split;
pub use standardization::Standardization;
pub use target::{Target, TargetState};
