//! Where a path is.

/// Where a path is between two steps: all that a game has to save, send or roll back.
///
/// It may be copied, stored, changed between two steps and taken up again, with the same bits. `M` is what the
/// method remembers, [`Method::Memory`](crate::Method::Memory): nothing for all methods but
/// [`AdamsBashforth2`](crate::AdamsBashforth2), whose state is `State<D, Option<[f32; D]>>`.
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
pub struct State<const D: usize, M = ()> {
    /// The steps taken.
    pub i: usize,
    /// The point after them, in flow units.
    pub x: [f32; D],
    /// What the step before left for the next one: `()`, or for
    /// [`AdamsBashforth2`](crate::AdamsBashforth2) the velocity at its start. Set that to `None` after moving `x`
    /// far: the next step is then Euler's.
    pub memory: M,
}

impl<const D: usize, M: Default> State<D, M> {
    /// At `x` after `i` steps, with no memory of them.
    pub fn at(i: usize, x: [f32; D]) -> Self {
        Self { i, x, memory: M::default() }
    }
}
