//! Parallel work, where there is enough of it to gain time.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// The fewest multiplications that are shared among cores. With fewer, waking another core takes longer than
/// its part of the work.
pub(super) const WORTH_SHARING: usize = 1 << 22;

/// Calls `work` on each of `parts`: in parallel if all of them together take at least [`WORTH_SHARING`]
/// multiplications, else one after the other.
pub(crate) fn share<T: Send>(
    multiplications: usize,
    parts: impl Iterator<Item = T>,
    work: impl Fn(T) + Send + Sync,
) {
    if multiplications < WORTH_SHARING {
        parts.for_each(work);
    } else {
        parts.collect::<Vec<_>>().into_par_iter().for_each(work);
    }
}
