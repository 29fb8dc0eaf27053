//! The state of a path.

/// The state of a path between two steps. This is all that a game has to save, send or roll back.
///
/// It may be copied, stored or changed. A path that continues from a copy has the same bits. `M` is the
/// memory of the method, [`Method::Memory`](crate::Method::Memory). Only
/// [`AdamsBashforth2`](crate::AdamsBashforth2) has one: its state is `State<D, Option<[f32; D]>>`.
///
/// ```
/// use flowlet::{Euler, Mlp, Silu, State};
/// # static SWIRL: Mlp<2, 0, 32, 1, Silu> =
/// #     Mlp::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
///
/// let solver = Euler::<60>::UNIFORM;
/// let mut state: State<2> = solver.start([0.3, -0.8]);
/// solver.step(&SWIRL, &mut state, []);
/// let saved = state;
/// solver.step(&SWIRL, &mut state, []);
/// let mut again = saved;
/// solver.step(&SWIRL, &mut again, []);
/// assert_eq!(again, state);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<const D: usize, M = (), T = f32> {
    /// The number of steps taken.
    pub i: usize,
    /// The current point, in flow units.
    pub x: [T; D],
    /// The memory of the method: `()`, or for [`AdamsBashforth2`](crate::AdamsBashforth2) the velocity at the
    /// start of the previous step. Set it to `None` after moving `x` far: the next step is then an Euler
    /// step.
    pub memory: M,
}

impl<const D: usize, M: Default, T> State<D, M, T> {
    /// A path at `x` (flow units) after `i` steps, without memory.
    pub fn at(i: usize, x: [T; D]) -> Self {
        Self { i, x, memory: M::default() }
    }
}
