//! The one NaN that leaves this crate.

/// Turns any NaN into `0x7fc00000`: which payload an operation gives depends on the CPU.
#[inline]
pub(crate) fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(0x7fc0_0000) } else { x }
}

/// [`canonical`] of each number, in place.
#[inline]
pub(crate) fn make_canonical(xs: &mut [f32]) {
    for x in xs {
        *x = canonical(*x);
    }
}

/// [`canonical`] in place, for a number on which the next operations wait: it is nearly never NaN, and a
/// predicted branch takes no time.
#[inline(always)]
pub(crate) fn make_one_canonical(x: &mut f32) {
    #[cold]
    #[inline(never)]
    fn nan() -> f32 {
        canonical(f32::NAN)
    }
    if x.is_nan() {
        *x = nan();
    }
}
