//! Canonical NaNs: every NaN that leaves this crate is `0x7fc00000`.

/// Replaces any NaN by `0x7fc00000`, since the payload of an operation's NaN depends on the CPU.
#[inline]
pub(crate) fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(0x7fc0_0000) } else { x }
}

/// Applies [`canonical`] to each number in place.
#[inline]
pub(crate) fn make_canonical(xs: &mut [f32]) {
    for x in xs {
        *x = canonical(*x);
    }
}

/// [`canonical`] in place, for a number that the next operations depend on. It is almost never NaN, so a
/// predicted branch is faster than a selection.
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
