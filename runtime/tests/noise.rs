//! Statistical tests of the noise: it is Gaussian and independent. The large runs are ignored by default; run
//! them with `cargo test --release -p flowlet --test noise -- --ignored`.

use flowlet::{Noise, fixed};

/// Noise to test.
trait Source {
    /// The draws of a stream of a seed: the coordinates of its four-dimensional samples, in order.
    fn draws(seed: u64, stream: u32) -> impl Iterator<Item = f32>;
}

struct Floats;

impl Source for Floats {
    fn draws(seed: u64, stream: u32) -> impl Iterator<Item = f32> {
        Noise::new(seed).stream(stream).samples::<4>(0).flatten()
    }
}

struct Integers;

impl Source for Integers {
    fn draws(seed: u64, stream: u32) -> impl Iterator<Item = f32> {
        let draws = fixed::Noise::new(seed).stream(stream).samples::<4>(0).flatten();
        draws.map(|x| fixed::to_f32(x, fixed::STATE_BITS as i32))
    }
}

/// Φ(x), in f64.
fn normal_cdf(x: f32) -> f64 {
    0.5 * libm::erfc(-f64::from(x) * std::f64::consts::FRAC_1_SQRT_2)
}

/// The Kolmogorov–Smirnov statistic: √n times the largest distance between the distribution of the draws and
/// the normal one. For true noise, it exceeds 1.95 in one of a thousand runs.
fn kolmogorov_smirnov<S: Source>(seed: u64, n: usize) -> f64 {
    let mut sorted: Vec<f32> = S::draws(seed, 0).take(n).collect();
    sorted.sort_by(f32::total_cmp);
    let n = n as f64;
    let distance = sorted.iter().enumerate().fold(0.0_f64, |worst, (k, &x)| {
        let expected = normal_cdf(x);
        worst.max(expected - k as f64 / n).max((k + 1) as f64 / n - expected)
    });
    n.sqrt() * distance
}

/// The number of draws with |x| above 3, 4 and 5: the deviation from the expected number, in standard errors.
fn tails<S: Source>(seed: u64, n: usize) -> [f64; 3] {
    let mut beyond = [0_u64; 3];
    for x in S::draws(seed, 0).take(n) {
        for (count, limit) in beyond.iter_mut().zip([3.0, 4.0, 5.0]) {
            *count += u64::from(x.abs() > limit);
        }
    }
    std::array::from_fn(|k| {
        let expected = 2.0 * normal_cdf(-3.0 - k as f32) * n as f64;
        (beyond[k] as f64 - expected) / expected.sqrt()
    })
}

/// The correlation of `n` pairs of draws, in standard errors.
fn correlation(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>, n: usize) -> f64 {
    let products = a.zip(b).take(n).map(|(a, b)| f64::from(a) * f64::from(b));
    products.sum::<f64>() / (n as f64).sqrt()
}

/// The correlations of neighbouring draws, samples, seeds and streams, and of squares in neighbouring
/// samples.
fn correlations<S: Source>(n: usize) -> [f64; 5] {
    // Has mean 0 and standard deviation 1 if x is normal.
    let square = |x: f32| (x * x - 1.0) / std::f32::consts::SQRT_2;
    let draws = || S::draws(5, 0);
    [
        correlation(draws(), draws().skip(1), n),
        correlation(draws(), draws().skip(4), n),
        correlation(draws(), S::draws(6, 0), n),
        correlation(draws(), S::draws(5, 1), n),
        correlation(draws().map(square), draws().skip(4).map(square), n),
    ]
}

fn check_million<S: Source>() {
    let distance = kolmogorov_smirnov::<S>(1, 1_000_000);
    assert!(distance < 1.95, "{distance}");
    let tails = tails::<S>(1, 1_000_000);
    assert!(tails.iter().all(|error| error.abs() < 4.0), "{tails:?}");
    let correlations = correlations::<S>(1_000_000);
    assert!(correlations.iter().all(|error| error.abs() < 4.0), "{correlations:?}");
}

#[test]
fn a_million_draws_are_normal() {
    check_million::<Floats>();
    check_million::<Integers>();
}

fn check_ten_million<S: Source>() {
    let distances = [1, 2, 3].map(|seed| kolmogorov_smirnov::<S>(seed, 10_000_000));
    println!("Kolmogorov-Smirnov, √n·D: {distances:?}");
    assert!(distances.iter().all(|distance| *distance < 1.95), "{distances:?}");
    let correlations = correlations::<S>(10_000_000);
    println!("correlations in standard errors: {correlations:?}");
    assert!(correlations.iter().all(|error| error.abs() < 4.0), "{correlations:?}");
}

#[test]
#[ignore = "10⁷ draws: seconds in release"]
fn ten_million_draws_are_normal() {
    check_ten_million::<Floats>();
    check_ten_million::<Integers>();
}

fn check_billion<S: Source>() {
    let tails = tails::<S>(1, 1_000_000_000);
    println!("beyond 3, 4 and 5, in standard errors: {tails:?}");
    assert!(tails.iter().all(|error| error.abs() < 4.0), "{tails:?}");
}

#[test]
#[ignore = "10⁹ draws: half a minute in release"]
fn a_billion_draws_have_the_right_tails() {
    check_billion::<Floats>();
    check_billion::<Integers>();
}
