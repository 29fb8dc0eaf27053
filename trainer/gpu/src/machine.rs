//! What trains: memory, matrix products and the kernels of `kernels.c`.

use std::error;
use std::ffi::c_void;
use std::fmt;

/// A failure of the card or its libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Error {}

/// The result of work on a card.
pub type Result<T> = std::result::Result<T, Error>;

/// An address in a machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Address(pub u64);

impl Address {
    /// No memory.
    pub const NULL: Self = Self(0);

    /// The address of the float `count` floats behind this one.
    pub fn floats(self, count: usize) -> Self {
        Self(self.0 + 4 * count as u64)
    }
}

/// A matrix of a product, row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    pub address: Address,
    /// The distance from one row to the next, in floats.
    pub stride: usize,
    pub transposed: bool,
}

/// A product of matrices, `out = (add · out) + a·b`: `[rows, inner]·[inner, columns]`, after the factors' transposition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub a: Factor,
    pub b: Factor,
    pub out: Address,
    /// The distance from one row of `out` to the next, in floats.
    pub stride: usize,
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
    /// Whether the product is added to `out`.
    pub add: bool,
}

/// The kernels, in the order of `Kernel::NAMES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    Draw,
    Activate,
    Slopes,
    Error,
    Advance,
    Chain,
    Squares,
    Finish,
    Adam,
}

impl Kernel {
    /// Their names in `kernels.c`.
    #[cfg(feature = "cuda")]
    pub const NAMES: [&str; 9] =
        ["draw", "activate", "slopes", "error", "advance", "chain", "squares", "finish", "adam"];
}

/// Marks the structs of arguments, which are laid out as in `kernels.c`.
///
/// # Safety
///
/// The struct has `repr(C)` and the fields of the kernel's struct.
pub(crate) unsafe trait Arguments: Copy {
    const KERNEL: Kernel;
}

macro_rules! arguments {
    ($($(#[$doc:meta])* $name:ident for $kernel:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(C)]
        pub(crate) struct $name { $(pub $field: $type,)* }
        // SAFETY: written as in kernels.c, which says what the fields are.
        unsafe impl Arguments for $name { const KERNEL: Kernel = Kernel::$kernel; }
    )*};
}

arguments! {
    DrawArguments for Draw {
        inputs: Address, wanted: Address,
        x_0: Address, x_1: Address, c: Address, t: Address,
        rows_x: Address, rows_c: Address, rows_source: Address, rows_t: Address,
        iteration: Address, seed: u64,
        data: u32, conditions: u32, stride: u32, rows: u32, source_rows: u32, time_rows: u32, logit_normal: u32,
        time_mean: f32, time_deviation: f32, dropout: f32, first_time: f32,
    }
    ActivateArguments for Activate { z: Address, bias: Address, h: Address, width: u32, kind: u32, }
    SlopeArguments for Slopes {
        z: Address, bias: Address, gradient: Address, sums: Address, width: u32, biases: u32, kind: u32, add: u32,
    }
    ErrorArguments for Error {
        y: Address, bias: Address, wanted: Address, inputs: Address, gradient: Address, errors: Address,
        sums: Address, data: u32, biases: u32, stride: u32, dt: f32, scale: f32,
    }
    AdvanceArguments for Advance {
        inputs: Address, y: Address, bias: Address, next: Address, data: u32, stride: u32, t: f32, dt: f32,
    }
    ChainArguments for Chain {
        gradient: Address, through: Address, y: Address, sums: Address, data: u32, biases: u32, dt: f32,
    }
    SquaresArguments for Squares {
        gradient: Address, sums: Address, squares: Address, biases: u32, chunks: u32, tiles: u32,
    }
    FinishArguments for Finish {
        errors: Address, squares: Address, table: Address, losses: Address, norms: Address, now: Address,
        square_sums: u32, clip: f32, scale: f64,
    }
    AdamArguments for Adam {
        weights: Address, gradient: Address, m: Address, v: Address, average: Address, now: Address,
    }
}

/// How a kernel that sums over a matrix's rows is launched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    /// The columns that a block has.
    pub columns: usize,
    /// The chunks of rows, each of which has a sum of its own.
    pub chunks: u32,
}

/// Where a network is trained: a card, or the processor in its place. It owns its memory, which it frees when it is
/// dropped, and works in the order of the calls.
pub(crate) trait Machine: fmt::Debug {
    /// Returns memory of `words` zeros, of 32 bits each.
    fn zeros(&mut self, words: usize) -> Result<Address>;

    /// Copies `words` to `to`.
    fn write(&mut self, words: &[u32], to: Address) -> Result<()>;

    /// Copies from `from` into `words`, after all work so far is done.
    fn read(&mut self, from: Address, words: &mut [u32]) -> Result<()>;

    /// The blocks in which a kernel goes over `n` elements: at most so many.
    fn blocks(&self, n: u64) -> u32;

    /// How the rows of matrices `[rows, columns]`, and narrower ones, are summed.
    fn tiles(&self, rows: usize, columns: usize) -> Tiles;

    /// Launches a kernel for `n` elements, in `blocks` blocks.
    ///
    /// # Safety
    ///
    /// `arguments` points to the kernel's struct, and its addresses to memory that is large enough for `n` elements.
    unsafe fn launch(
        &mut self,
        kernel: Kernel,
        n: u64,
        blocks: [u32; 2],
        arguments: *const c_void,
    ) -> Result<()>;

    /// Multiplies matrices.
    ///
    /// # Safety
    ///
    /// The addresses point to memory that holds the matrices.
    unsafe fn multiply(&mut self, product: &Product) -> Result<()>;

    /// Starts to record work instead of doing it. Returns `false` where that is not possible.
    fn begin_recording(&mut self) -> Result<bool>;

    /// Ends recording, and keeps what was recorded.
    fn end_recording(&mut self) -> Result<()>;

    /// Does the recorded work.
    fn replay(&mut self) -> Result<()>;
}
