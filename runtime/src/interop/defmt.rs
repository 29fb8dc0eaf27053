//! [`defmt::Format`] for errors, kinds and names, with the text of [`Display`](core::fmt::Display).

use defmt::{Format, Formatter};

use crate::activation::ActivationKind;
use crate::grid::GridError;
use crate::method::SolverKind;
use crate::safetensors::LoadError;
use crate::self_test::SelfTestError;
use crate::solver::BatchError;
use crate::tensor::{Shape, TensorName};
use crate::text::{Message, Text};

macro_rules! format {
    ($($type:ty, |$value:ident| $text:expr;)+) => {
        $(
            impl Format for $type {
                fn format(&self, f: Formatter<'_>) {
                    let $value = self;
                    Format::format($text, f);
                }
            }
        )+
    };
}

format! {
    ActivationKind, |kind| kind.name();
    SolverKind, |kind| kind.name();
    LoadError, |error| error.message().as_str();
    GridError, |error| error.message().as_str();
    BatchError, |error| error.message().as_str();
    SelfTestError, |error| error.message().as_str();
    TensorName, |name| name.write(Message::new()).as_str();
    Shape, |shape| shape.write(Message::new()).as_str();
    Message, |message| message.as_str();
    Text, |text| text.as_str();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile if a type has no format.
    #[test]
    fn errors_kinds_and_names_have_a_format() {
        fn has<T: Format>() {}
        has::<ActivationKind>();
        has::<SolverKind>();
        has::<LoadError>();
        has::<GridError>();
        has::<BatchError>();
        has::<SelfTestError>();
        has::<TensorName>();
        has::<Shape>();
        has::<Message>();
        has::<Text>();
    }
}
