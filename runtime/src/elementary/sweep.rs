//! Shared by tests: sets of inputs, and the worst error of a function over them.

/// About 260,000 bit patterns, spread over all of them.
pub(crate) fn sample() -> impl Iterator<Item = f32> {
    (0..1_u32 << 18).map(|k| f32::from_bits(k.wrapping_mul(16_411)))
}

/// All bit patterns.
pub(crate) fn all() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).map(f32::from_bits)
}

/// The worst relative error over inputs whose true result is a normal f32.
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

/// The worst error divided by `unit(expected, x)`. An infinite unit excludes the input.
pub(crate) fn worst(
    inputs: impl Iterator<Item = f32>,
    f: impl Fn(f32) -> f32,
    reference: impl Fn(f64) -> f64,
    unit: impl Fn(f64, f64) -> f64,
) -> f64 {
    let mut worst = 0.0;
    for x in inputs.filter(|x| x.is_finite()) {
        let (found, expected) = (f(x), reference(f64::from(x)));
        // The result is correctly rounded, and zero or infinite, so there is no error to divide.
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

/// Numbers from −8 to 9, with −0, NaNs and −∞ among them.
pub(crate) fn numbers<const N: usize>() -> [f32; N] {
    core::array::from_fn(|k| match k % 29 {
        25 => -0.0,
        26 => f32::from_bits(0xffc0_0001),
        27 => f32::NAN,
        28 => f32::NEG_INFINITY,
        _ => ((k * 37) % 101) as f32 * 0.17 - 8.0,
    })
}
