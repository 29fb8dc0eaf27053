//! Reads the modules of a crate from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::tokens::{self, Declared, Import, Macro, Mention};

/// The modules of a crate. The first is the root.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

pub(crate) struct Module {
    /// `[]` for the root, `["data", "matrix"]` for `crate::data::matrix`.
    pub(crate) path: Vec<String>,
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    /// The names of the items that are defined in this module.
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) macros: BTreeMap<String, Macro>,
    pub(crate) calls: Vec<(String, usize)>,
    /// The NAME in `extern crate self as NAME`.
    pub(crate) own_name: Option<String>,
}

impl Module {
    /// Returns the room of the module, or `None` for the root.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.first().map(String::as_str)
    }
}

impl Crate {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut read = Self { modules: Vec::new() };
        let directory = root.parent().unwrap_or(Path::new("")).to_path_buf();
        read.file(root, &directory, Vec::new(), None)?;
        Ok(read)
    }

    /// Reads the module in `file`, whose children are in `directory`. Returns its index.
    fn file(
        &mut self,
        file: &Path,
        directory: &Path,
        path: Vec<String>,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let name = || file.display();
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", name()))?;
        let tokens: TokenStream = text.parse().map_err(|error| format!("{}: {error}", name()))?;
        self.module(tokens, file, directory, path, parent)
    }

    fn module(
        &mut self,
        tokens: TokenStream,
        file: &Path,
        directory: &Path,
        path: Vec<String>,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let tokens::Body { items, imports, mentions, macros, calls, own_name, declared } =
            tokens::body(tokens);
        let this = self.modules.len();
        self.modules.push(Module {
            path: path.clone(),
            file: file.to_path_buf(),
            parent,
            children: BTreeMap::new(),
            items,
            imports,
            mentions,
            macros,
            calls,
            own_name,
        });
        for Declared { name, file: named, body } in declared {
            let path = [path.as_slice(), std::slice::from_ref(&name)].concat();
            let below = directory.join(&name);
            let child = match body {
                Some(body) => self.module(body, file, &below, path, Some(this))?,
                None => {
                    let file = match named {
                        Some(named) => file.with_file_name(named),
                        None => find(directory, &name).ok_or_else(|| {
                            format!("{}: found no file for mod {name}", file.display())
                        })?,
                    };
                    self.file(&file, &below, path, Some(this))?
                }
            };
            self.modules[this].children.insert(name, child);
        }
        Ok(this)
    }
}

fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    let files = [directory.join(format!("{name}.rs")), directory.join(name).join("mod.rs")];
    files.into_iter().find(|file| file.exists())
}
