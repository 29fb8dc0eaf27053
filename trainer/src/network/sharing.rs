//! Work shared among cores, where there is enough of it.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Multiplications from which on work is shared. For fewer it takes longer to wake another core than to do
/// its part.
const WORTH_SHARING: usize = 1 << 22;

/// Does all parts of a work of so many multiplications.
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
