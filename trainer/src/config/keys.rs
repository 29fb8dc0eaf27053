//! The keys that a configuration file may have.

use anyhow::{Result, bail};
use toml::{Table, Value};

const SECTIONS: [(&str, &[&str]); 7] = [
    ("", &["seed", "data", "source", "model", "train", "few_steps", "sample"]),
    (
        "data",
        &[
            "source",
            "columns",
            "condition",
            "conditions",
            "categorical",
            "group",
            "holdout",
            "standardize",
            "skip_invalid",
            "strict",
            "components",
        ],
    ),
    ("model", &["hidden_width", "hidden_layers", "activation"]),
    ("source", &["distribution", "components"]),
    (
        "train",
        &[
            "iterations",
            "batch_size",
            "learning_rate",
            "schedule",
            "warmup",
            "weight_decay",
            "gradient_clip",
            "ema",
            "coupling",
            "transport_size",
            "condition_ratio",
            "force_transport",
            "time",
            "label_dropout",
            "checkpoint_seconds",
            "device",
        ],
    ),
    (
        "few_steps",
        &[
            "steps",
            "teacher_hidden_width",
            "teacher_hidden_layers",
            "guidance",
            "pairs",
            "iterations",
            "batch_size",
            "learning_rate",
            "own_iterations",
            "own_learning_rate",
            "transport_size",
        ],
    ),
    ("sample", &["steps"]),
];

const COMPONENT: [&str; 3] = ["weight", "mean", "std"];

/// Refuses keys that do not exist; a typing error would otherwise go unnoticed.
pub(super) fn check(table: &Table) -> Result<()> {
    for (section, keys) in SECTIONS {
        let found = if section.is_empty() {
            Some(table)
        } else {
            table.get(section).and_then(Value::as_table)
        };
        check_table(section, found, keys)?;
    }
    for (section, name) in [("data", "data.components"), ("source", "source.components")] {
        let components = table.get(section).and_then(|section| section.get("components"));
        for component in components.and_then(Value::as_array).into_iter().flatten() {
            check_table(name, component.as_table(), &COMPONENT)?;
        }
    }
    Ok(())
}

fn check_table(section: &str, found: Option<&Table>, keys: &[&str]) -> Result<()> {
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

/// The key that `key` most resembles, if it resembles any; a key that belongs to another section
/// is found there.
fn nearest(key: &str, keys: &[&str]) -> Option<String> {
    let here = keys.iter().map(|known| (strsim::jaro_winkler(key, known), (*known).to_string()));
    let elsewhere = SECTIONS
        .iter()
        .filter(|(section, _)| !section.is_empty())
        .flat_map(|(section, keys)| keys.iter().map(move |known| (section, known)))
        .filter(|(_, known)| **known == key)
        .map(|(section, known)| (1.0, format!("{known}` in `[{section}]")));
    here.chain(elsewhere)
        .filter(|(similarity, _)| *similarity > 0.75)
        // Of equals the first: sections come in the order of their use.
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn error(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_valid_one() {
        let found = error("[train]\nlearning_rat = 0.1");
        assert_eq!(found, "unknown key `learning_rat` in [train]: did you mean `learning_rate`?");
    }

    #[test]
    fn a_key_in_the_wrong_section_is_sent_to_its_own() {
        let found = error("[train]\nhidden_width = 3");
        assert!(found.contains("`hidden_width` in `[model]`"), "{found}");
        assert!(error("iterations = 3").contains("`iterations` in `[train]`"));
    }

    #[test]
    fn a_key_like_no_other_gets_the_list() {
        assert!(error("[sample]\nzzz = 1").contains("expected one of steps"));
    }

    #[test]
    fn keys_of_components_are_checked_too() {
        let text = "[data]\nsource = \"mixture\"\n[[data.components]]\nwieght = 1.0";
        assert!(error(text).contains("did you mean `weight`"));
    }
}
