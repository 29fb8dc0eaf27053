use super::*;
use crate::Digest;
use crate::elementary::sweep;

/// An activation by its definition, in f64.
pub(super) fn reference(kind: ActivationKind, x: f64) -> f64 {
    use core::f64::consts::{FRAC_1_SQRT_2, PI};
    const ALPHA: f64 = 1.673_263_242_354_377_3;
    const SCALE: f64 = 1.050_700_987_355_480_5;
    match kind {
        ActivationKind::Gelu => x * 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
        ActivationKind::GeluTanh => {
            // Equal to the form with tanh, without that form's cancellation near tanh = −1.
            x / (1.0 + libm::exp(-libm::sqrt(8.0 / PI) * (x + 0.044715 * x * x * x)))
        }
        ActivationKind::Silu => x / (1.0 + libm::exp(-x)),
        ActivationKind::Selu if x > 0.0 => SCALE * x,
        ActivationKind::Selu => SCALE * ALPHA * libm::expm1(x),
        ActivationKind::Tanh => libm::tanh(x),
        ActivationKind::Relu if x > 0.0 => x,
        ActivationKind::Relu => 0.0,
        ActivationKind::Elu if x > 0.0 => x,
        ActivationKind::Elu => libm::expm1(x),
        ActivationKind::Mish => x * libm::tanh(libm::log1p(libm::exp(x))),
    }
}

/// The documented error, and whether it is relative to the result (`true`) or to the input (`false`).
fn documented(kind: ActivationKind) -> (bool, f64) {
    match kind {
        ActivationKind::Gelu => (false, 1.78e-7),
        ActivationKind::GeluTanh => (false, 1.3e-7),
        ActivationKind::Silu => (true, 1.8e-7),
        ActivationKind::Selu => (true, 1.6e-7),
        ActivationKind::Tanh => (true, 2.0e-7),
        ActivationKind::Relu => (true, 0.0),
        ActivationKind::Elu => (true, 1.0e-7),
        ActivationKind::Mish => (true, 3.1e-7),
    }
}

fn worst(kind: ActivationKind, inputs: impl Iterator<Item = f32>) -> f64 {
    // Below this bound the contract sets the result to 0, although the true value is a normal number.
    let lowest = match kind {
        ActivationKind::Silu => -88.0,
        ActivationKind::Mish => -87.0,
        _ => f32::MIN,
    };
    let inputs = inputs.filter(|&x| x >= lowest);
    let f = |x| kind.apply(x);
    if documented(kind).0 {
        sweep::relative(inputs, f, |x| reference(kind, x))
    } else {
        sweep::worst(
            inputs,
            f,
            |x| reference(kind, x),
            |_, x| x.abs().max(f64::from(f32::MIN_POSITIVE)),
        )
    }
}

#[test]
fn errors_are_as_documented() {
    for &kind in ActivationKind::ALL {
        let worst = worst(kind, sweep::sample());
        assert!(worst <= documented(kind).1, "{kind}: {worst:e}");
    }
}

#[test]
#[ignore = "all 2³² inputs: minutes in release"]
fn errors_over_all_inputs_are_as_documented() {
    for &kind in ActivationKind::ALL {
        let worst = worst(kind, sweep::all());
        std::println!("{kind}: {worst:e}");
        assert!(worst <= documented(kind).1);
    }
}

#[test]
fn a_slice_gets_the_bits_of_single_numbers() {
    for &kind in ActivationKind::ALL {
        let inputs: [f32; 67] = core::array::from_fn(|k| (k as f32 - 33.0) * 0.37);
        let mut slice = inputs;
        kind.apply_slice(&mut slice);
        assert_eq!(slice.map(f32::to_bits), inputs.map(|x| kind.apply(x).to_bits()), "{kind}");
    }
}

/// Checks the forms for memory and registers against [`Activation::apply`]. The bits of NaNs are not
/// compared.
#[cfg(feature = "std")]
fn check_with_each_vector_set<A: Activation>() {
    use crate::lanes::LANES;
    use crate::nan::canonical;

    let inputs = sweep::numbers::<307>();
    let bits = |x: &f32| canonical(*x).to_bits();
    let expected: std::vec::Vec<u32> = inputs.iter().map(|x| bits(&A::apply(*x))).collect();
    let check = |found: &[f32]| {
        let found: std::vec::Vec<u32> = found.iter().map(bits).collect();
        assert_eq!(found, expected[..found.len()], "{}", A::NAME);
    };
    crate::vectors::for_each_vector_set!(vectors => {
        let mut found = inputs;
        A::apply_to_slice(vectors, &mut found);
        check(&found);
        let mut units = [vectors.splat(0.0); 307 / LANES];
        let mut found = [[0.0; LANES]; 307 / LANES];
        for (unit, inputs) in units.iter_mut().zip(inputs.as_chunks::<LANES>().0) {
            *unit = vectors.load(inputs);
        }
        A::apply_to_vectors(vectors, &mut units);
        for (unit, found) in units.into_iter().zip(&mut found) {
            vectors.store(unit, found);
        }
        check(found.as_flattened());
    });
}

#[cfg(feature = "std")]
#[test]
fn every_set_of_vectors_gives_the_same_bits() {
    check_with_each_vector_set::<Gelu>();
    check_with_each_vector_set::<GeluTanh>();
    check_with_each_vector_set::<Silu>();
    check_with_each_vector_set::<Selu>();
    check_with_each_vector_set::<Tanh>();
    check_with_each_vector_set::<Relu>();
    check_with_each_vector_set::<Elu>();
    check_with_each_vector_set::<Mish>();
}

#[test]
fn inputs_above_1e_30_give_no_subnormal() {
    for &kind in ActivationKind::ALL {
        for x in sweep::sample().filter(|x| x.abs() > 1e-30) {
            assert!(!kind.apply(x).is_subnormal(), "{kind}({x:e})");
        }
    }
}

#[test]
fn special_values() {
    for &kind in ActivationKind::ALL {
        for nan in [0x7fc0_0000, 0xffc0_0001, 0x7f80_0001] {
            assert_eq!(kind.apply(f32::from_bits(nan)).to_bits(), 0x7fc0_0000, "{kind}");
        }
        assert_eq!(kind.apply(0.0).to_bits(), 0, "{kind}");
        let (low, high) = match kind {
            ActivationKind::Selu => (-1.758_099_3, f32::INFINITY),
            ActivationKind::Tanh => (-1.0, 1.0),
            ActivationKind::Elu => (-1.0, f32::INFINITY),
            _ => (0.0, f32::INFINITY),
        };
        assert_eq!(kind.apply(f32::NEG_INFINITY), low, "{kind}");
        assert_eq!(kind.apply(f32::INFINITY), high, "{kind}");
    }
}

#[test]
fn a_sweep_has_known_bits() {
    let expected = [
        0xfa78_f537_fc43_be41,
        0x511e_6d64_f454_b18e,
        0xf10f_d0d6_1901_927f,
        0xd943_86a0_dcd7_d725,
        0xb3fd_1c9e_a7ec_703c,
        0x74a1_f328_9112_e8c1,
        0x7d32_3b97_28e8_b325,
        0x7941_2259_d972_3fa0,
    ];
    let digest = |kind: &ActivationKind| {
        let mut digest = Digest::new();
        for x in sweep::sample() {
            digest.update(&[kind.apply(x)]);
        }
        digest.value()
    };
    let found: std::vec::Vec<u64> = ActivationKind::ALL.iter().map(digest).collect();
    assert_eq!(found, expected, "{found:#018x?}");
}

#[test]
fn each_kind_is_found_by_its_name() {
    for &kind in ActivationKind::ALL {
        assert_eq!(ActivationKind::from_name(kind.name().as_bytes()), Some(kind));
    }
    assert_eq!(ActivationKind::from_name(b"swish"), Some(ActivationKind::Silu));
    assert_eq!(ActivationKind::from_name(b"GELU"), None);
}
