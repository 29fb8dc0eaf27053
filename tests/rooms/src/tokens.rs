//! Parses the tokens of a module: its child modules, its items and its paths.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The contents of a module, without those of its inline modules.
#[derive(Default)]
pub(crate) struct Body {
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
    /// The macros that are defined in this module.
    pub(crate) macros: BTreeMap<String, Macro>,
    /// The names of the macros that are called, with their lines.
    pub(crate) calls: Vec<(String, usize)>,
    pub(crate) own_name: Option<String>,
    pub(crate) declared: Vec<Declared>,
}

/// One name that a `use` imports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) segments: Vec<String>,
    pub(crate) brings: Brings,
    /// Whether it has a `pub`.
    pub(crate) public: bool,
    /// Whether the `use` is directly in the module, not in a function.
    pub(crate) at_top: bool,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Brings {
    /// The last segment, under this name.
    Name(String),
    /// `as _`
    Nothing,
    /// `*`
    All,
}

/// A path or a single name outside a `use`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mention {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// The paths and calls in the body of a macro.
#[derive(Default)]
pub(crate) struct Macro {
    /// Paths that do not start with `crate`.
    pub(crate) relative: Vec<Mention>,
    /// The names of the macros that it calls.
    pub(crate) calls: Vec<String>,
}

/// `mod name;` or `mod name { … }`.
pub(crate) struct Declared {
    pub(crate) name: String,
    /// The file named by `#[path = "…"]`.
    pub(crate) file: Option<String>,
    pub(crate) body: Option<TokenStream>,
}

/// Keywords that are followed by the name of an item.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];

pub(crate) fn body(tokens: TokenStream) -> Body {
    let mut body = Body::default();
    body.parse(&tokens.into_iter().collect::<Vec<_>>(), true);
    body
}

impl Body {
    fn parse(&mut self, tokens: &[TokenTree], at_top: bool) {
        let mut at = 0;
        while at < tokens.len() {
            at += match &tokens[at] {
                TokenTree::Group(group) if is_visibility(tokens, at, group) => 1,
                TokenTree::Group(group) => {
                    self.parse(&group.stream().into_iter().collect::<Vec<_>>(), false);
                    1
                }
                TokenTree::Ident(_) => self.word(tokens, at, at_top),
                TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
            };
        }
    }

    /// Parses the construct that starts with the word at `at`. Returns its number of tokens.
    fn word(&mut self, tokens: &[TokenTree], at: usize, at_top: bool) -> usize {
        let word = ident(tokens, at).unwrap_or_default();
        let next = ident(tokens, at + 1);
        match (word.as_str(), next) {
            ("mod", Some(name)) => {
                let body = match tokens.get(at + 2) {
                    Some(TokenTree::Group(group)) => Some(group.stream()),
                    _ => None,
                };
                self.declared.push(Declared { name, file: path_attribute(tokens, at), body });
                3
            }
            // `use<…>` in a bound is not an import.
            ("use", _) if !is_punct(tokens, at + 1, '<') => {
                let end = at + tokens[at..].iter().take_while(|token| !is(token, ';')).count();
                let tree = &tokens[at + 1..end];
                let prefix = (is_public(tokens, at), at_top);
                self.import(tree, &[], prefix);
                end - at
            }
            ("extern", Some(word)) if word == "crate" => {
                if ident(tokens, at + 2).as_deref() == Some("self") {
                    self.own_name = ident(tokens, at + 4);
                }
                tokens[at..].iter().take_while(|token| !is(token, ';')).count()
            }
            (word, Some(name))
                if at_top && ITEMS.contains(&word) && !ITEMS.contains(&name.as_str()) =>
            {
                self.items.insert(name);
                2
            }
            ("macro_rules", _) if is_punct(tokens, at + 1, '!') => {
                self.definition(tokens, at);
                4
            }
            _ => self.path(tokens, at),
        }
    }

    /// Parses `macro_rules! name { … }`.
    fn definition(&mut self, tokens: &[TokenTree], at: usize) {
        let (Some(name), Some(TokenTree::Group(group))) =
            (ident(tokens, at + 2), tokens.get(at + 3))
        else {
            return;
        };
        let mut inner = Self::default();
        inner.parse(&group.stream().into_iter().collect::<Vec<_>>(), false);
        let imported = inner.imports.into_iter();
        let imported = imported.map(|Import { segments, line, .. }| Mention { segments, line });
        let (anchored, relative) =
            imported.chain(inner.mentions).partition(|mention| mention.segments[0] == "crate");
        self.mentions.extend::<Vec<_>>(anchored);
        let calls = inner.calls.into_iter().map(|(name, _)| name).collect();
        self.macros.insert(name.clone(), Macro { relative, calls });
        self.items.insert(name);
    }

    /// Parses one tree of a `use`, below `prefix`.
    fn import(&mut self, tree: &[TokenTree], prefix: &[String], (public, at_top): (bool, bool)) {
        let mut segments = prefix.to_vec();
        let mut at = 0;
        let mut line = 0;
        while let Some(token) = tree.get(at) {
            line = token.span().start().line;
            match token {
                TokenTree::Ident(_) => {
                    let segment = ident(tree, at).unwrap_or_default();
                    if segment == "as" {
                        break;
                    }
                    segments.push(segment);
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for tree in inner.split(|token| is(token, ',')).filter(|tree| !tree.is_empty())
                    {
                        self.import(tree, &segments, (public, at_top));
                    }
                    return;
                }
                token if is(token, '*') => {
                    let brings = Brings::All;
                    self.imports.push(Import { segments, brings, public, at_top, line });
                    return;
                }
                // `::name` leads to another crate.
                token if is(token, ':') && segments.is_empty() => return,
                _ => {}
            }
            at += 1;
        }
        // `name::{self}` imports `name`.
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let alias = ident(tree, at + 1).or_else(|| segments.last().cloned());
        let brings = match alias {
            Some(name) if name == "_" => Brings::Nothing,
            Some(name) => Brings::Name(name),
            None => return,
        };
        self.imports.push(Import { segments, brings, public, at_top, line });
    }

    /// Parses a path that starts at `at`. Returns its number of tokens.
    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut segments = Vec::new();
        let mut end = at;
        while let Some(segment) = ident(tokens, end) {
            segments.push(segment);
            end += 1;
            if !(is_punct(tokens, end, ':') && is_punct(tokens, end + 1, ':')) {
                break;
            }
            if ident(tokens, end + 2).is_none() {
                break;
            }
            end += 2;
        }
        let before = |back: usize, wanted: char| at >= back && is_punct(tokens, at - back, wanted);
        let continues = before(1, ':') && before(2, ':');
        let member = before(1, '.') && !before(2, '.');
        let lifetime = before(1, '\'');
        let variable = before(1, '$') && segments[0] != "crate";
        if !(continues || member || lifetime || variable) {
            let line = tokens[at].span().start().line;
            if is_punct(tokens, end, '!') {
                self.calls.extend(segments.last().map(|name| (name.clone(), line)));
            }
            self.mentions.push(Mention { segments, line });
        }
        end - at
    }
}

/// Whether the group is the `(…)` of a visibility such as `pub(crate)`, not that of `struct Name(pub (A,
/// B))`.
fn is_visibility(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    if at == 0 || group.delimiter() != Delimiter::Parenthesis {
        return false;
    }
    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
    let first = ident(&inner, 0).unwrap_or_default();
    let alone = inner.len() == 1 && ["crate", "self", "super"].contains(&first.as_str());
    ident(tokens, at - 1).as_deref() == Some("pub") && (first == "in" || alone)
}

fn is_public(tokens: &[TokenTree], at: usize) -> bool {
    let is_pub = |back: usize| at >= back && ident(tokens, at - back).as_deref() == Some("pub");
    is_pub(1) || (is_pub(2) && matches!(tokens[at - 1], TokenTree::Group(_)))
}

/// Returns the file named by a `#[path = "…"]` before the `mod` at `at`.
fn path_attribute(tokens: &[TokenTree], at: usize) -> Option<String> {
    let attributes =
        tokens[..at].rchunks(1).map(|token| &token[0]).take_while(|token| match token {
            TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
            TokenTree::Ident(ident) => *ident == "pub",
            TokenTree::Punct(punct) => punct.as_char() == '#',
            TokenTree::Literal(_) => false,
        });
    attributes
        .filter_map(|token| if let TokenTree::Group(group) = token { Some(group) } else { None })
        .find_map(|group| {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            match inner.as_slice() {
                [name, _, TokenTree::Literal(file)] if name.to_string() == "path" => {
                    Some(file.to_string().trim_matches('"').to_string())
                }
                _ => None,
            }
        })
}

/// Returns the identifier at `at`, without the prefix `r#`.
fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(ident) => {
            let word = ident.to_string();
            Some(word.strip_prefix("r#").map_or(word.clone(), str::to_string))
        }
        _ => None,
    }
}

fn is(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    tokens.get(at).is_some_and(|token| is(token, wanted))
}
