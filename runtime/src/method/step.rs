//! Operations that the methods share.

use crate::nan::canonical;

/// Returns `x + (v · dt)`.
#[inline]
pub(crate) fn advanced(x: f32, v: f32, dt: f32) -> f32 {
    canonical(x + v * dt)
}

/// `x ← x + (v · dt)`, for each coordinate.
pub(super) fn advance(x: &mut [f32], v: &[f32], dt: f32) {
    debug_assert_eq!(x.len(), v.len());
    for (x, &v) in x.iter_mut().zip(v) {
        *x = advanced(*x, v, dt);
    }
}

/// `point ← x + (v · dt)`, for each coordinate.
pub(super) fn advance_into(point: &mut [f32], x: &[f32], v: &[f32], dt: f32) {
    debug_assert_eq!((point.len(), v.len()), (x.len(), x.len()));
    for ((point, &x), &v) in point.iter_mut().zip(x).zip(v) {
        *point = advanced(x, v, dt);
    }
}

/// Returns `dt · 0.5`.
#[inline]
pub(super) fn half(dt: f32) -> f32 {
    dt * 0.5
}
