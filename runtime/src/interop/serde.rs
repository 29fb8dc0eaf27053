//! serde's traits for kinds, which are stored as their names in a model file, and for the state of a path.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

use crate::activation::ActivationKind;
use crate::method::SolverKind;
use crate::method::sealed::Memory;
use crate::scalar::Scalar;
use crate::solver::State;

macro_rules! by_name {
    ($kind:ty, $expected:literal) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Name;

                impl Visitor<'_> for Name {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: Error>(self, name: &str) -> Result<$kind, E> {
                        <$kind>::from_name(name.as_bytes())
                            .ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
                    }
                }

                deserializer.deserialize_str(Name)
            }
        }
    };
}

by_name!(ActivationKind, "the name of an activation");
by_name!(SolverKind, "the name of a solver");

/// `[T; D]` with serde's traits for every `D`; serde implements them only for lengths up to 32.
struct Point<const D: usize, T>([T; D]);

impl<const D: usize, T: Serialize> Serialize for Point<D, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(D)?;
        for x in &self.0 {
            tuple.serialize_element(x)?;
        }
        tuple.end()
    }
}

impl<'de, const D: usize, T: Scalar + Deserialize<'de>> Deserialize<'de> for Point<D, T> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        struct Coordinates<const D: usize, T>(PhantomData<T>);

        impl<'de, const D: usize, T: Scalar + Deserialize<'de>> Visitor<'de> for Coordinates<D, T> {
            type Value = Point<D, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{D} coordinates")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut sequence: A,
            ) -> Result<Point<D, T>, A::Error> {
                let mut x = [T::ZERO; D];
                for (k, x) in x.iter_mut().enumerate() {
                    let next = sequence.next_element()?;
                    *x = next.ok_or_else(|| A::Error::invalid_length(k, &self))?;
                }
                Ok(Point(x))
            }
        }

        deserializer.deserialize_tuple(D, Coordinates(PhantomData))
    }
}

/// The stored form of a [`State`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "State", bound(deserialize = "T: Scalar + Deserialize<'de>"))]
struct Stored<const D: usize, T> {
    i: usize,
    x: Point<D, T>,
    /// The velocity at the start of the previous step, if the method uses it and it is known.
    memory: Option<Point<D, T>>,
}

impl<const D: usize, M: Memory<D, T>, T: Scalar + Serialize> Serialize for State<D, M, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let memory = self.memory.before().copied().map(Point);
        Stored { i: self.i, x: Point(self.x), memory }.serialize(serializer)
    }
}

impl<'de, const D: usize, M, T> Deserialize<'de> for State<D, M, T>
where
    M: Memory<D, T> + Default,
    T: Scalar + Deserialize<'de>,
{
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        let Stored { i, x: Point(x), memory } = Stored::deserialize(deserializer)?;
        let mut state = Self::at(i, x);
        if let Some(Point(v)) = memory {
            state.memory.remember(v);
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AdamsBashforth2, Euler, Noise, Samples, VelocityField};
    use serde::de::DeserializeOwned;
    use std::string::ToString;

    fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> (std::string::String, T) {
        let text = serde_json::to_string(value).unwrap();
        let back = serde_json::from_str(&text).unwrap();
        (text, back)
    }

    #[test]
    fn kinds_are_stored_by_their_names() {
        for &kind in ActivationKind::ALL {
            assert_eq!(round_trip(&kind), (std::format!("\"{}\"", kind.name()), kind));
        }
        for &kind in SolverKind::ALL {
            assert_eq!(round_trip(&kind), (std::format!("\"{}\"", kind.name()), kind));
        }
        let error = serde_json::from_str::<SolverKind>("\"dopri5\"").unwrap_err().to_string();
        assert!(error.contains("expected the name of a solver"), "{error}");
    }

    #[test]
    fn stored_noise_continues_with_the_same_samples() {
        let noise = Noise::new(u64::MAX).stream(3);
        assert_eq!(round_trip(&noise).1, noise);
        let mut samples = noise.samples::<40>(5);
        samples.next();
        let mut again: Samples<40> = round_trip(&samples).1;
        assert_eq!(again.next(), samples.next());
    }

    struct Decay;

    impl VelocityField<40, 0> for Decay {
        fn velocity(&self, t: f32, x: [f32; 40], _: [f32; 0]) -> [f32; 40] {
            x.map(|x| t - x)
        }
    }

    #[test]
    fn a_stored_path_continues_with_the_same_points() {
        let x_0 = Noise::new(1).sample(0);
        let euler = Euler::<5>::UNIFORM;
        let mut path = euler.path(&Decay, x_0, []);
        path.next();
        let state = round_trip(&path.state).1;
        assert_eq!(state, path.state);
        assert!(euler.path_from(&Decay, state, []).eq(path));

        let adams_bashforth = AdamsBashforth2::<5>::UNIFORM;
        let mut path = adams_bashforth.path(&Decay, x_0, []);
        path.next();
        let state = round_trip(&path.state).1;
        assert_eq!(state, path.state);
        assert!(adams_bashforth.path_from(&Decay, state, []).eq(path));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_state_on_the_heap_is_stored_in_floats_and_whole_numbers() {
        use crate::{HeapState, fixed};
        let state: HeapState = HeapState { memory: Some([1.5].into()), ..HeapState::at(1, &[0.5]) };
        assert_eq!(round_trip(&state).1, state);
        let state = fixed::HeapState { memory: Some([-9].into()), ..HeapState::at(2, &[1 << 20]) };
        let (text, back) = round_trip(&state);
        assert_eq!((text.as_str(), back), (r#"{"i":2,"x":[1048576],"memory":[-9]}"#, state));
    }

    #[test]
    fn a_state_with_other_dimensions_is_refused() {
        let text = r#"{"i":0,"x":[1.0,2.0],"memory":null}"#;
        let error = serde_json::from_str::<State<3>>(text).unwrap_err().to_string();
        assert!(error.contains("expected 3 coordinates"), "{error}");
    }
}
