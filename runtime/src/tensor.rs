//! The tensors that a model file may hold: their names and shapes.

use core::fmt;

use crate::text::{Message, Text, bytes_equal};

/// The name of a tensor in a model file. Layer `k` is `net.{2k}`, as in a PyTorch `Sequential` whose odd
/// entries are activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorName {
    /// `net.{2k}.weight`, `[outputs][inputs]`.
    Weight {
        /// The index of the linear layer, from 0.
        layer: usize,
    },
    /// `net.{2k}.bias`, `[outputs]`.
    Bias {
        /// The index of the linear layer, from 0.
        layer: usize,
    },
    /// `data.mean`, `[D]`: data units = flow units × scale + mean.
    DataMean,
    /// `data.scale`, `[D]`.
    DataScale,
    /// `condition.mean`, `[C]`.
    ConditionMean,
    /// `condition.scale`, `[C]`.
    ConditionScale,
    /// `grid`, `[N + 1]`: the times of the solver that the model was made for.
    Grid,
    /// `self_test.t`, `[4]`: the times of the golden steps of [`SelfTest`](crate::SelfTest).
    SelfTestTime,
    /// `self_test.dt`, `[4]`: the lengths of the golden steps.
    SelfTestDt,
    /// `self_test.x`, `[4][D]`: the points before the golden steps, in flow units.
    SelfTestX,
    /// `self_test.condition`, `[4][C]`: the conditions of the golden steps, in the user's units.
    SelfTestCondition,
    /// `self_test.next`, `[4][D]`: the points after the golden steps, in flow units.
    SelfTestNext,
    /// `net.{2k}.shift`, `[outputs]`, in an integer model: the right shift of each sum.
    Shift {
        /// The index of the linear layer, from 0.
        layer: usize,
    },
    /// `input.bits`, `[2]`, in an integer model: the fraction bits of points and conditions in the first layer.
    InputBits,
    /// `units.bits`, `[L + 1]`, in an integer model: the fraction bits of the hidden units.
    UnitBits,
    /// `data.shift`, `[D]`, in an integer model: the right shift after `data.scale`.
    DataShift,
    /// `data.inverse`, `[D]`, in an integer model: the factor from data units to flow units.
    DataInverse,
    /// `data.inverse_shift`, `[D]`, in an integer model: the right shift after `data.inverse`.
    DataInverseShift,
    /// `data.bits`, `[1]`, in an integer model: the fraction bits of data units.
    DataBits,
    /// `condition.shift`, `[C]`, in an integer model: the right shift after `condition.scale`.
    ConditionShift,
    /// `condition.bits`, `[1]`, in an integer model: the fraction bits of the conditions.
    ConditionBits,
    /// `columns.kind`, `[D]`: what a column can hold, as [`Columns`](crate::Columns) says.
    ColumnKind,
    /// `columns.least`, `[D]`: each column's least value, in data units.
    ColumnLeast,
    /// `columns.most`, `[D]`: each column's greatest value, in data units.
    ColumnMost,
}

impl TensorName {
    /// The tensor that the format calls `name`, if there is one.
    pub(crate) const fn parse(name: &Text) -> Option<Self> {
        let mut i = 0;
        while i < FIXED.len() {
            let (tensor, fixed) = FIXED[i];
            if name.is(fixed) {
                return Some(tensor);
            }
            i += 1;
        }
        if name.is_cut() {
            return None;
        }
        let Some((b"net.", rest)) = name.as_bytes().split_at_checked(4) else { return None };
        let mut digits = Text::EMPTY;
        let mut i = 0;
        while i < rest.len() && rest[i] != b'.' {
            digits.push(rest[i]);
            i += 1;
        }
        let layer = match digits.to_number() {
            Some(index) if index % 2 == 0 && index / 2 < MAX_LAYERS as u64 => (index / 2) as usize,
            _ => return None,
        };
        let Some((_, kind)) = rest.split_at_checked(i) else { return None };
        if bytes_equal(kind, b".weight") {
            Some(Self::Weight { layer })
        } else if bytes_equal(kind, b".bias") {
            Some(Self::Bias { layer })
        } else if bytes_equal(kind, b".shift") {
            Some(Self::Shift { layer })
        } else {
            None
        }
    }

    /// The number of tensor names in the format.
    pub(crate) const COUNT: usize = 3 * MAX_LAYERS + FIXED.len();

    /// A number below [`Self::COUNT`], different for each name.
    pub(crate) const fn index(self) -> usize {
        let fixed = match self {
            Self::Weight { layer } => return 3 * layer,
            Self::Bias { layer } => return 3 * layer + 1,
            Self::Shift { layer } => return 3 * layer + 2,
            Self::DataMean => 0,
            Self::DataScale => 1,
            Self::ConditionMean => 2,
            Self::ConditionScale => 3,
            Self::Grid => 4,
            Self::SelfTestTime => 5,
            Self::SelfTestDt => 6,
            Self::SelfTestX => 7,
            Self::SelfTestCondition => 8,
            Self::SelfTestNext => 9,
            Self::InputBits => 10,
            Self::UnitBits => 11,
            Self::DataShift => 12,
            Self::DataInverse => 13,
            Self::DataInverseShift => 14,
            Self::DataBits => 15,
            Self::ConditionShift => 16,
            Self::ConditionBits => 17,
            Self::ColumnKind => 18,
            Self::ColumnLeast => 19,
            Self::ColumnMost => 20,
        };
        3 * MAX_LAYERS + fixed
    }

    pub(crate) const fn write(self, message: Message) -> Message {
        match self {
            Self::Weight { layer } => write_layer(message, layer).text(".weight"),
            Self::Bias { layer } => write_layer(message, layer).text(".bias"),
            Self::Shift { layer } => write_layer(message, layer).text(".shift"),
            Self::DataMean => message.text(FIXED[0].1),
            Self::DataScale => message.text(FIXED[1].1),
            Self::ConditionMean => message.text(FIXED[2].1),
            Self::ConditionScale => message.text(FIXED[3].1),
            Self::Grid => message.text(FIXED[4].1),
            Self::SelfTestTime => message.text(FIXED[5].1),
            Self::SelfTestDt => message.text(FIXED[6].1),
            Self::SelfTestX => message.text(FIXED[7].1),
            Self::SelfTestCondition => message.text(FIXED[8].1),
            Self::SelfTestNext => message.text(FIXED[9].1),
            Self::InputBits => message.text(FIXED[10].1),
            Self::UnitBits => message.text(FIXED[11].1),
            Self::DataShift => message.text(FIXED[12].1),
            Self::DataInverse => message.text(FIXED[13].1),
            Self::DataInverseShift => message.text(FIXED[14].1),
            Self::DataBits => message.text(FIXED[15].1),
            Self::ConditionShift => message.text(FIXED[16].1),
            Self::ConditionBits => message.text(FIXED[17].1),
            Self::ColumnKind => message.text(FIXED[18].1),
            Self::ColumnLeast => message.text(FIXED[19].1),
            Self::ColumnMost => message.text(FIXED[20].1),
        }
    }
}

/// Appends `net.` and twice the layer. Saturates, because a user may build an error with any layer number.
const fn write_layer(message: Message, layer: usize) -> Message {
    message.text("net.").number((layer as u64).saturating_mul(2))
}

/// The tensors that belong to no layer, in the order of their [`TensorName::index`].
const FIXED: [(TensorName, &str); 21] = [
    (TensorName::DataMean, "data.mean"),
    (TensorName::DataScale, "data.scale"),
    (TensorName::ConditionMean, "condition.mean"),
    (TensorName::ConditionScale, "condition.scale"),
    (TensorName::Grid, "grid"),
    (TensorName::SelfTestTime, "self_test.t"),
    (TensorName::SelfTestDt, "self_test.dt"),
    (TensorName::SelfTestX, "self_test.x"),
    (TensorName::SelfTestCondition, "self_test.condition"),
    (TensorName::SelfTestNext, "self_test.next"),
    (TensorName::InputBits, "input.bits"),
    (TensorName::UnitBits, "units.bits"),
    (TensorName::DataShift, "data.shift"),
    (TensorName::DataInverse, "data.inverse"),
    (TensorName::DataInverseShift, "data.inverse_shift"),
    (TensorName::DataBits, "data.bits"),
    (TensorName::ConditionShift, "condition.shift"),
    (TensorName::ConditionBits, "condition.bits"),
    (TensorName::ColumnKind, "columns.kind"),
    (TensorName::ColumnLeast, "columns.least"),
    (TensorName::ColumnMost, "columns.most"),
];

impl fmt::Display for TensorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(Message::new()).as_str())
    }
}

/// The largest number of linear layers in a file. It bounds the time that reading a file can take.
pub(crate) const MAX_LAYERS: usize = 66;

/// The number of golden steps in a model file's self-test.
pub(crate) const SELF_TEST_STEPS: usize = 4;

/// The shape of a tensor. Of more than four dimensions, only the first four and the number of elements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    dims: [u64; 4],
    rank: usize,
    /// The product of all dimensions, or `u64::MAX` once it has exceeded 64 bits.
    elements: u64,
}

impl Shape {
    /// `[]`, the shape of a single number.
    pub(crate) const SCALAR: Self = Self { dims: [0; 4], rank: 0, elements: 1 };

    /// `[rows]`.
    pub const fn vector(rows: usize) -> Self {
        let mut shape = Self::SCALAR;
        shape.push(rows as u64);
        shape
    }

    /// `[rows, columns]`.
    pub const fn matrix(rows: usize, columns: usize) -> Self {
        let mut shape = Self::vector(rows);
        shape.push(columns as u64);
        shape
    }

    /// The dimensions, outermost first; at most the first four.
    pub const fn dims(&self) -> &[u64] {
        match self.dims.split_at_checked(self.rank) {
            Some((dims, _)) => dims,
            None => &self.dims,
        }
    }

    pub(crate) const fn push(&mut self, dim: u64) {
        if self.rank < 4 {
            self.dims[self.rank] = dim;
        }
        self.rank = self.rank.saturating_add(1);
        // A 0 after an overflow must not hide it.
        if self.elements < u64::MAX {
            self.elements = self.elements.saturating_mul(dim);
        }
    }

    pub(crate) const fn equals(&self, other: &Self) -> bool {
        if self.rank != other.rank || self.elements != other.elements {
            return false;
        }
        let mut i = 0;
        while i < self.rank && i < 4 {
            if self.dims[i] != other.dims[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// `(rows, columns)` if this is a matrix whose sizes fit a `usize`.
    #[cfg(feature = "alloc")]
    pub(crate) const fn as_matrix(&self) -> Option<(usize, usize)> {
        let limit = usize::MAX as u64;
        if self.rank == 2 && self.dims[0] <= limit && self.dims[1] <= limit {
            Some((self.dims[0] as usize, self.dims[1] as usize))
        } else {
            None
        }
    }

    /// The number of elements; `u64::MAX` if the product of the dimensions, from the first on, exceeds 64 bits.
    pub(crate) const fn elements(&self) -> u64 {
        self.elements
    }

    pub(crate) const fn write(&self, mut message: Message) -> Message {
        message = message.text("[");
        let mut i = 0;
        while i < self.rank && i < 4 {
            if i > 0 {
                message = message.text(", ");
            }
            message = message.number(self.dims[i]);
            i += 1;
        }
        message.text(if self.rank > 4 { ", ...]" } else { "]" })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(Message::new()).as_str())
    }
}
