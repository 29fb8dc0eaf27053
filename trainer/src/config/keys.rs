//! Checks the keys of a configuration file. The valid keys are the fields of the options' structs, which
//! serde lists.

use anyhow::{Result, bail};
use serde::de::value::Error;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use toml::{Table, Value};

use super::options::{
    Config, DataConfig, FewStepsConfig, ModelConfig, SampleConfig, SourceConfig, TrainConfig,
};
use crate::data::Component;

type Keys = &'static [&'static str];

/// Returns the tables of a configuration file and their keys. The first, "", is the file's root.
fn sections() -> [(&'static str, Keys); 7] {
    [
        ("", keys::<Config>()),
        ("data", keys::<DataConfig>()),
        ("model", keys::<ModelConfig>()),
        ("source", keys::<SourceConfig>()),
        ("train", keys::<TrainConfig>()),
        ("sample", keys::<SampleConfig>()),
        ("few_steps", keys::<FewStepsConfig>()),
    ]
}

/// Returns the names of a struct's fields, as serde reads them.
fn keys<T: for<'de> Deserialize<'de>>() -> Keys {
    let mut keys: Keys = &[];
    // The result is always an error, since `Fields` holds no values.
    let _ = T::deserialize(Fields(&mut keys));
    keys
}

/// A deserializer without values, which records the fields that a struct asks for.
struct Fields<'a>(&'a mut Keys);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Keys,
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(de::Error::custom("this deserializer only records the fields"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("expected a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Returns an error for an unknown key, which serde would silently ignore.
pub(super) fn check(table: &Table) -> Result<()> {
    for (section, keys) in sections() {
        let found = if section.is_empty() {
            Some(table)
        } else {
            table.get(section).and_then(Value::as_table)
        };
        check_table(section, found, keys)?;
    }
    if table
        .get("few_steps")
        .and_then(|section| section.get("pairs"))
        .is_some_and(Value::is_integer)
    {
        bail!(
            "`pairs` in [few_steps] is a file with another teacher's pairs: the number of pairs of the run's own teacher \
             is called `teacher_samples`"
        );
    }
    for (section, name) in [("data", "data.components"), ("source", "source.components")] {
        let components = table.get(section).and_then(|section| section.get("components"));
        for component in components.and_then(Value::as_array).into_iter().flatten() {
            check_table(name, component.as_table(), keys::<Component>())?;
        }
    }
    Ok(())
}

fn check_table(section: &str, found: Option<&Table>, keys: Keys) -> Result<()> {
    let known = |key: &&String| keys.contains(&key.as_str());
    let Some(key) = found.and_then(|table| table.keys().find(|key| !known(key))) else {
        return Ok(());
    };
    let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    match nearest(key, keys) {
        Some(near) => bail!("unknown key `{key}`{place}: did you mean `{near}`?"),
        None => bail!("unknown key `{key}`{place}: expected one of {}", keys.join(", ")),
    }
}

/// Returns the key that resembles `key` most, if any does. If another section has exactly this key, returns
/// it with its section.
fn nearest(key: &str, keys: Keys) -> Option<String> {
    let here = keys.iter().map(|known| (strsim::jaro_winkler(key, known), (*known).to_string()));
    let elsewhere = sections()
        .into_iter()
        .filter(|(section, _)| !section.is_empty())
        .flat_map(|(section, keys)| keys.iter().map(move |known| (section, known)))
        .filter(|(_, known)| **known == key)
        .map(|(section, known)| (1.0, format!("{known}` in `[{section}]")));
    here.chain(elsewhere)
        .filter(|(similarity, _)| *similarity > 0.75)
        // On a tie, the first one wins: sections that are needed less often come later.
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        check(&text.parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn the_keys_are_the_fields_of_the_structs() {
        assert_eq!(keys::<ModelConfig>(), ["hidden_width", "hidden_layers", "activation"]);
        assert!(sections().iter().all(|(_, keys)| !keys.is_empty()));
        // Every table of a configuration is among the sections.
        let names = sections().map(|(name, _)| name);
        for (key, value) in Table::try_from(Config::default()).unwrap() {
            assert!(!value.is_table() || names.contains(&key.as_str()), "{key}");
        }
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_valid_key_as_a_hint() {
        let found = error("[train]\nlearning_rat = 0.1");
        assert_eq!(found, "unknown key `learning_rat` in [train]: did you mean `learning_rate`?");
    }

    #[test]
    fn a_key_in_the_wrong_section_gets_the_right_section_as_a_hint() {
        let found = error("[train]\nhidden_width = 3");
        assert!(found.contains("`hidden_width` in `[model]`"), "{found}");
        assert!(error("iterations = 3").contains("`iterations` in `[train]`"));
        // Not the steps of [few_steps], which would train a student.
        assert!(error("steps = 3").contains("`steps` in `[sample]`"));
    }

    #[test]
    fn an_unknown_key_without_a_similar_one_gets_the_list_of_keys() {
        assert!(error("[sample]\nzzz = 1").contains("expected one of steps"));
    }

    #[test]
    fn the_old_count_of_pairs_is_told_its_new_name() {
        assert!(error("[few_steps]\npairs = 500").contains("is called `teacher_samples`"));
    }

    #[test]
    fn keys_of_components_are_checked_too() {
        let text = "[data]\nsource = \"mixture\"\n[[data.components]]\nwieght = 1.0";
        assert!(error(text).contains("did you mean `weight`"));
    }
}
