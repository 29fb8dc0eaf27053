//! The C sources in `c/`. They are C with two additions: sections (`//#if flag`, `//#if !flag`, `//#else`, `//#endif`,
//! `//#include name`), and places for text (`$PLACE$`). `model_`, `MODEL_`, `MODEL.h` and `MODEL.c` become the model's
//! name.

use std::collections::BTreeSet;

use super::name::Name;

/// The header.
pub(super) const HEADER: &str = include_str!("c/model.h");

/// The source of a float model.
pub(super) const FLOAT: &str = include_str!("c/float.c");

/// The source of an integer model.
pub(super) const INTEGER: &str = include_str!("c/integer.c");

fn fragment(name: &str) -> &'static str {
    match name {
        "columns" => include_str!("c/columns.c"),
        "philox" => include_str!("c/philox.c"),
        "functions" => include_str!("c/functions.c"),
        "cubics" => include_str!("c/cubics.c"),
        "cubics_low" => include_str!("c/cubics_low.c"),
        _ => unreachable!("the sources include no fragment {name}"),
    }
}

/// What fills a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Filling {
    flags: BTreeSet<String>,
    /// Places and code, in which `model_` stands for the name, too.
    code: Vec<(&'static str, String)>,
    /// Places and text that is left as it is.
    text: Vec<(&'static str, String)>,
}

impl Filling {
    pub(super) fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.flags.insert(name.to_string());
        }
    }

    pub(super) fn code(&mut self, place: &'static str, code: impl ToString) {
        self.code.push((place, code.to_string()));
    }

    pub(super) fn text(&mut self, place: &'static str, text: impl ToString) {
        self.text.push((place, text.to_string()));
    }

    /// Returns the template's text for a model.
    pub(super) fn render(&self, template: &str, name: &Name) -> String {
        let mut out = String::new();
        self.sections(template, &mut out);
        for (place, code) in &self.code {
            out = out.replace(&format!("${place}$"), code);
        }
        out = named(&out, name);
        for (place, text) in &self.text {
            out = out.replace(&format!("${place}$"), text);
        }
        debug_assert!(!has_place(&out), "a place of the template was not filled");
        out
    }

    fn sections(&self, template: &str, out: &mut String) {
        // Whether each section around the current line is written.
        let mut open: Vec<bool> = Vec::new();
        for line in template.lines() {
            let Some(directive) = line.strip_prefix("//#") else {
                if open.iter().all(|&open| open) {
                    out.push_str(line);
                    out.push('\n');
                }
                continue;
            };
            match directive.split_once(' ').unwrap_or((directive, "")) {
                ("if", condition) => open.push(match condition.strip_prefix('!') {
                    Some(flag) => !self.flags.contains(flag),
                    None => self.flags.contains(condition),
                }),
                ("else", _) => {
                    if let Some(last) = open.last_mut() {
                        *last = !*last;
                    }
                }
                ("endif", _) => _ = open.pop(),
                ("include", name) if open.iter().all(|&open| open) => {
                    self.sections(fragment(name), out);
                }
                _ => {}
            }
        }
        debug_assert!(open.is_empty(), "a section of the template has no end");
    }
}

/// Gives a template's names to a model. The model's own name may contain `model_`, so the places are marked first.
fn named(text: &str, name: &Name) -> String {
    const LOWER: &str = "\u{1}";
    const UPPER: &str = "\u{2}";
    text.replace("MODEL.h", &format!("{LOWER}.h"))
        .replace("MODEL.c", &format!("{LOWER}.c"))
        .replace("MODEL_", &format!("{UPPER}_"))
        .replace("model_", &format!("{LOWER}_"))
        .replace(LOWER, name.lower())
        .replace(UPPER, &name.upper())
}

/// Whether a place such as `$NUMBERS$` is left.
fn has_place(text: &str) -> bool {
    text.split('$').skip(1).any(|part| {
        !part.is_empty()
            && part.len() < 24
            && part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_contains_the_templates_is_put_in_once() {
        let name = Name::new("model_8gaussians").unwrap();
        let text = named("#include \"MODEL.h\" MODEL_DATA model_step", &name);
        assert_eq!(
            text,
            "#include \"model_8gaussians.h\" MODEL_8GAUSSIANS_DATA model_8gaussians_step"
        );
    }
}
