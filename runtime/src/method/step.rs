//! Operations that the methods share.

use crate::scalar::Scalar;

/// `x ← x + (v · dt)`, for each coordinate.
pub(super) fn advance<T: Scalar>(x: &mut [T], v: &[T], dt: T) {
    debug_assert_eq!(x.len(), v.len());
    for (x, &v) in x.iter_mut().zip(v) {
        *x = x.advanced(v, dt);
    }
}

/// `point ← x + (v · dt)`, for each coordinate.
pub(super) fn advance_into<T: Scalar>(point: &mut [T], x: &[T], v: &[T], dt: T) {
    debug_assert_eq!((point.len(), v.len()), (x.len(), x.len()));
    for ((point, &x), &v) in point.iter_mut().zip(x).zip(v) {
        *point = x.advanced(v, dt);
    }
}
