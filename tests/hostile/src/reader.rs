//! The promises of the runtime's reader.

use std::borrow::Cow;
use std::fmt::{self, Formatter};

use flowlet::{
    Activation, Euler, HeapMlp, HeapSolver, Heun, LoadError, Mlp, SelfTest, VelocityField,
};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::seeds::{Bare, Whole, split};

/// Reads a file in each way that the runtime has.
///
/// # Panics
///
/// Panics if a promise is broken:
/// - the const model, the heap's model and [`Mlp::load`] accept the same files, and give the same bits;
/// - a file that they accept is a valid file for the safetensors library, of finite 32-bit floats;
/// - a file that they refuse and the library accepts is refused for a reason that the runtime's README states;
/// - each error has a message, and nothing panics.
pub fn check(file: &[u8]) {
    let heap = HeapMlp::try_from_safetensors(file);
    check_library(file, heap.as_ref().err());
    check_const::<2, 1, 3, 1, _>(file, &heap, Whole::try_from_safetensors);
    check_const::<1, 0, 2, 0, _>(file, &heap, Bare::try_from_safetensors);
    check_others(file, &heap);
}

fn check_library(file: &[u8], refused: Option<&LoadError>) {
    let library = SafeTensors::deserialize(file);
    match (refused, library) {
        (None, Err(error)) => panic!("accepted, but refused by the library: {error}"),
        (None, Ok(library)) => {
            for (name, tensor) in library.tensors() {
                assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
                let finite = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes).is_finite();
                assert!(tensor.data().as_chunks().0.iter().all(finite), "{name}");
            }
        }
        // Of two tensors with one name, the library keeps the last one and does not check the first.
        (Some(error), Ok(library)) => {
            let stricter = is_stricter(error) || names(file) > library.len();
            assert!(stricter, "only refused here: {error}");
        }
        (Some(_), Err(_)) => {}
    }
    if let Some(error) = refused {
        assert_eq!(error.message().as_str(), error.to_string());
    }
}

/// Returns the number of tensors that the header describes. A name that occurs twice counts twice.
pub(crate) fn names(file: &[u8]) -> usize {
    struct Count;
    impl<'de> Visitor<'de> for Count {
        type Value = usize;

        fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("a header")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while let Some((name, IgnoredAny)) = map.next_entry::<Cow<'_, str>, _>()? {
                count += usize::from(name != "__metadata__");
            }
            Ok(count)
        }
    }
    let (header, _) = split(file);
    serde_json::Deserializer::from_slice(header).deserialize_map(Count).unwrap_or(0)
}

/// Returns whether `error` is a reason to refuse a file that the library accepts.
pub(crate) fn is_stricter(error: &LoadError) -> bool {
    match error {
        // The format itself.
        LoadError::Truncated { .. }
        | LoadError::HeaderNotUtf8
        | LoadError::Offsets { .. }
        | LoadError::Layout { .. } => false,
        // What the library reads and the format does not describe.
        LoadError::HeaderSyntax { expected, .. } => [
            "`{` at the start",
            "`dtype`, `shape` and `data_offsets`, each once",
            "`{` after `__metadata__`",
            "at most 64 metadata keys that begin with `flowlet.`",
        ]
        .contains(expected),
        // A model needs more than the format does.
        _ => true,
    }
}

fn check_const<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>(
    file: &[u8],
    heap: &Result<HeapMlp, LoadError>,
    read: fn(&[u8]) -> Result<Mlp<D, C, H, L, A>, LoadError>,
) {
    let fixed = read(file);
    let mut loaded = Mlp::<D, C, H, L, A>::zero();
    assert_eq!(loaded.load(file).err(), fixed.as_ref().err().copied());
    match (&fixed, heap) {
        (Err(_), Err(_)) => {}
        (Err(error), Ok(heap)) => {
            let sizes =
                (heap.data_dim(), heap.condition_dim(), heap.hidden_width(), heap.hidden_layers());
            let same = sizes == (D, C, H, L) && heap.activation() == A::KIND;
            assert!(!same, "only accepted by the heap's model: {error}");
        }
        (Ok(_), Err(error)) => panic!("only accepted by the const model: {error}"),
        // Without metadata, the type says what the activation is, and the heap's model takes GELU.
        (Ok(_), Ok(heap)) if heap.activation() != A::KIND => {}
        (Ok(fixed), Ok(heap)) => {
            assert_eq!(fixed.fingerprint(), heap.fingerprint());
            assert_eq!(fixed.fingerprint(), loaded.fingerprint());
            let (x, c) = ([0.3; D], [-0.7; C]);
            let found = fixed.velocity(0.25, x, c).map(f32::to_bits);
            let mut scratch = heap.scratch();
            let on_heap = heap.velocity(0.25, &x, &c, &mut scratch);
            assert!(found.iter().zip(on_heap).all(|(bits, v)| *bits == v.to_bits()));
            if let Ok(test) = SelfTest::<D, C>::try_from_safetensors(file) {
                // The weights may be any, so the self-test may fail. It must only end.
                let _ = test.run(fixed);
            }
        }
    }
}

/// Readers of the other tensors: no panic, and a file without a valid header is refused by all.
fn check_others(file: &[u8], heap: &Result<HeapMlp, LoadError>) {
    let solver = HeapSolver::try_from_safetensors(file);
    if let Ok(solver) = &solver {
        let times: Vec<f32> = solver.times().collect();
        assert!(times.is_sorted_by(|a, b| a < b) && times.iter().all(|t| t.is_finite()));
    }
    let fixed = Heun::<2>::try_from_safetensors(file);
    if fixed.is_ok() {
        assert!(solver.is_ok());
    }
    let euler = Euler::<2>::try_from_safetensors(file);
    let test = SelfTest::<2, 1>::try_from_safetensors(file);
    if let Err(LoadError::HeaderSyntax { at, .. }) = heap {
        let also = |error: Option<LoadError>| matches!(error, Some(LoadError::HeaderSyntax { at: same, .. }) if same == *at);
        assert!(also(solver.err()) && also(euler.err()) && also(test.err()));
    }
}
