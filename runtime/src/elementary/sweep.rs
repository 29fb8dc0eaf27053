//! What the tests of elementary functions share: inputs, and the worst error over them.

/// Some 260,000 bit patterns from all of them.
pub(crate) fn sample() -> impl Iterator<Item = f32> {
    (0..1_u32 << 18).map(|k| f32::from_bits(k.wrapping_mul(16_411)))
}

/// All bit patterns.
pub(crate) fn all() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).map(f32::from_bits)
}

/// The worst relative error where the true result is a normal f32.
pub(crate) fn relative(
    inputs: impl Iterator<Item = f32>,
    f: impl Fn(f32) -> f32,
    reference: impl Fn(f64) -> f64,
) -> f64 {
    worst(inputs, f, reference, |expected, _| {
        let normal =
            expected.abs() >= f64::from(f32::MIN_POSITIVE) && expected.abs() <= f64::from(f32::MAX);
        if normal { expected.abs() } else { f64::INFINITY }
    })
}

/// The worst absolute error.
#[cfg(feature = "micromath")]
pub(crate) fn absolute(
    inputs: impl Iterator<Item = f32>,
    f: impl Fn(f32) -> f32,
    reference: impl Fn(f64) -> f64,
) -> f64 {
    worst(inputs, f, reference, |_, _| 1.0)
}

/// The worst error divided by `unit(expected, x)`; an infinite unit leaves an input out.
pub(crate) fn worst(
    inputs: impl Iterator<Item = f32>,
    f: impl Fn(f32) -> f32,
    reference: impl Fn(f64) -> f64,
    unit: impl Fn(f64, f64) -> f64,
) -> f64 {
    let mut worst = 0.0;
    for x in inputs.filter(|x| x.is_finite()) {
        let (found, expected) = (f(x), reference(f64::from(x)));
        // As near as an f32 can be, with no error to divide.
        if found == expected as f32 && (found == 0.0 || found.is_infinite()) {
            continue;
        }
        let unit = unit(expected, f64::from(x));
        if unit.is_infinite() {
            continue;
        }
        let error = (f64::from(found) - expected).abs() / unit;
        assert!(error.is_finite(), "{found:e} for {x:e}, expected {expected:e}");
        if error > worst {
            worst = error;
        }
    }
    worst
}
