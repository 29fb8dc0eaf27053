//! The paths of the files that a configuration names.
//!
//! In a configuration file, a relative path starts from the file's own folder. In memory it starts from the
//! current directory, as the paths in flags do.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml::{Table, Value};

use super::options::Config;
use super::words::NORMAL;
use crate::data::{PRESETS, is_table_name};
use crate::disk::input::{STANDARD_INPUT, is_standard_input};

/// The options that may name a file: section and key, and the flag that names the same file.
pub(super) const FILES: [(&str, &str, &str); 5] = [
    ("data", "source", "--data"),
    ("data", "conditions", "--conditions"),
    ("data", "group", "--group"),
    ("source", "distribution", "--source"),
    ("few_steps", "pairs", "--pairs"),
];

/// A file is named by a relative path if it is at most this many folders above a run's directory:
/// `runs/sweep/NAME` in a project has three.
const FOLDERS_UP: usize = 4;

/// Whether `name` is a file rather than a known distribution. A data file's name has an extension, and a directory's ends
/// in a slash. Another name may be a misspelt distribution.
fn is_file(name: &str) -> bool {
    let known = name == NORMAL || PRESETS.contains(&name);
    !known && (Path::new(name).extension().is_some() || name.ends_with('/'))
}

/// Whether the rows called `name` come from outside: from a file or from standard input.
fn is_input(name: &str) -> bool {
    is_file(name) || name == STANDARD_INPUT
}

/// Removes the names of inputs from the table of a configuration.
pub(super) fn without_files(table: &mut Table) {
    for (section, key, _) in FILES {
        if let Some(Value::Table(section)) = table.get_mut(section)
            && section.get(key).and_then(Value::as_str).is_some_and(match key {
                // Otherwise it is a column, and belongs to the settings.
                "group" => is_table_name,
                _ => is_input,
            })
        {
            section.remove(key);
        }
    }
}

impl Config {
    /// Returns each file that the configuration names, with its section, its key, and the flag that names the
    /// same file.
    fn named_files(&self) -> Vec<(PathBuf, [&'static str; 3])> {
        let conditions = self.data.conditions.clone();
        let conditions =
            conditions.filter(|path| !path.as_os_str().is_empty() && !is_standard_input(path));
        let named = |name: &String| Some(PathBuf::from(name)).filter(|_| is_file(name));
        let [data, rows, groups, starts, pairs] =
            FILES.map(|(section, key, flag)| [section, key, flag]);
        [
            (named(&self.data.source), data),
            (conditions, rows),
            (self.group_file().map(PathBuf::from), groups),
            (named(&self.source.distribution), starts),
            (self.few_steps.pairs.clone(), pairs),
        ]
        .into_iter()
        .filter_map(|(path, place)| Some((path?, place)))
        .collect()
    }

    /// Returns the file of groups, if the groups are not a column.
    fn group_file(&self) -> Option<&String> {
        self.data.group.as_ref().filter(|name| is_table_name(name))
    }

    /// Returns the files that the configuration names.
    pub fn files(&self) -> Vec<PathBuf> {
        self.named_files().into_iter().map(|(path, _)| path).collect()
    }

    /// Returns the names of all files that the configuration names, for messages. `None` if it names none.
    pub fn file_names(&self) -> Option<String> {
        let names: Vec<String> =
            self.files().iter().map(|path| path.display().to_string()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// Whether rows come from files or from standard input, which may hold other rows later.
    pub fn reads_inputs(&self) -> bool {
        self.reads_standard_input() || !self.named_files().is_empty()
    }

    /// Whether rows come from standard input, which cannot be read again.
    pub fn reads_standard_input(&self) -> bool {
        let conditions = self.data.conditions.as_deref().unwrap_or(Path::new(""));
        [Path::new(&self.data.source), conditions, Path::new(&self.source.distribution)]
            .into_iter()
            .any(is_standard_input)
    }

    /// Checks that the files exist that this configuration names. It was read from `path`. Files that `used`, the
    /// configuration with the flags applied, no longer names are not checked.
    ///
    /// # Errors
    ///
    /// Returns an error for the first file that does not exist. The message says where the file was expected,
    /// and ends with `advice`, which gets the flag that names such a file.
    pub fn check_files(
        &self,
        path: &Path,
        used: &Self,
        advice: impl Fn(&str) -> String,
    ) -> Result<()> {
        let used = used.named_files();
        for named in self.named_files() {
            let (file, [section, key, flag]) = &named;
            if used.contains(&named) && !file.exists() {
                bail!(
                    "there is no file {}, which {} names under [{section}] {key} (relative to its own \
                     directory): {}",
                    file.display(),
                    path.display(),
                    advice(flag)
                );
            }
        }
        Ok(())
    }

    /// Makes the names of files, which are relative to `folder`, relative to the current directory.
    pub(super) fn opened_from(&mut self, folder: &Path) -> Result<()> {
        self.map_files(|file| Ok(tidy(&folder.join(file))))
    }

    /// Returns the configuration for a file in `folder`. It names a file nearby by a path that is relative to
    /// `folder`, so that both can be moved together, and any other file by its absolute path.
    ///
    /// # Errors
    ///
    /// Returns an error if `folder` does not exist, or a path is not UTF-8.
    pub fn placed_in(&self, folder: &Path) -> Result<Self> {
        let folder = fs::canonicalize(folder)
            .with_context(|| format!("cannot find the directory {}", folder.display()))?;
        let mut placed = self.clone();
        placed.map_files(|file| Ok(name_from(&folder, file)))?;
        Ok(placed)
    }

    fn map_files(&mut self, change: impl Fn(&Path) -> Result<PathBuf>) -> Result<()> {
        let groups = self.data.group.as_mut().filter(|name| is_table_name(name));
        for name in [&mut self.data.source, &mut self.source.distribution].into_iter().chain(groups)
        {
            if is_file(name) {
                let path = change(Path::new(name))?.into_os_string().into_string();
                let mut path = path.map_err(|path| {
                    anyhow!("{}: expected a path in UTF-8", path.to_string_lossy())
                })?;
                if name.ends_with('/') && !path.ends_with('/') {
                    path.push('/');
                }
                *name = path;
            }
        }
        let Self { data, few_steps, .. } = self;
        let paths = [&mut data.conditions, &mut few_steps.pairs].into_iter().flatten();
        for path in paths.filter(|path| !is_standard_input(path)) {
            let changed = change(path)?;
            ensure!(changed.to_str().is_some(), "{}: expected a path in UTF-8", changed.display());
            *path = changed;
        }
        Ok(())
    }
}

/// Returns the name of `file` for a configuration in `folder`, which is an absolute path without links.
fn name_from(folder: &Path, file: &Path) -> PathBuf {
    let whole =
        std::path::absolute(file).map_or_else(|_| file.to_path_buf(), |path| lexical(&path));
    let resolved = file.canonicalize().unwrap_or_else(|_| whole.clone());
    // Tries the path as written first: a link on the way may be part of the project.
    for path in [&whole, &resolved] {
        if let Some(relative) = relative(folder, path).filter(|to| same(&folder.join(to), file)) {
            return relative;
        }
    }
    // Without `..` the path may lead elsewhere, if a folder on the way is a link.
    if same(&whole, file) { whole } else { resolved }
}

/// Returns the path from `folder` to `file`, both absolute, if it is short.
fn relative(folder: &Path, file: &Path) -> Option<PathBuf> {
    let shared = folder.components().zip(file.components()).take_while(|(a, b)| a == b);
    let shared: Vec<Component<'_>> = shared.map(|(a, _)| a).collect();
    let up = folder.components().count() - shared.len();
    // Two paths that share only the root are not near.
    let near = up <= FOLDERS_UP && shared.iter().any(|part| matches!(part, Component::Normal(_)));
    let down = file.components().skip(shared.len());
    near.then(|| std::iter::repeat_n(Component::ParentDir, up).chain(down).collect())
}

/// Returns `path` without `.` and `NAME/..`, or `path` itself if links make that another file.
fn tidy(path: &Path) -> PathBuf {
    let short = lexical(path);
    if same(&short, path) || !path.exists() { short } else { path.to_path_buf() }
}

/// Returns `path` without `.` and `NAME/..`, by its text alone.
fn lexical(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}

/// Whether both paths lead to the same file, which exists.
fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a folder with `project/data/points.csv` and `project/runs/a`, and its path without links.
    fn project() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for folder in ["project/data", "project/runs/a", "project/runs/b/c/d/e"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("project/data/points.csv"), "x\n1\n2\n").unwrap();
        (folder, root)
    }

    fn config(source: &Path) -> Config {
        let mut config = Config::default();
        config.data.source = source.to_str().unwrap().to_string();
        config
    }

    #[test]
    fn a_file_nearby_is_named_from_the_run_and_any_other_from_the_root() {
        let (_folder, root) = project();
        let points = root.join("project/data/points.csv");
        let placed = |run: &str| {
            config(&points).placed_in(&root.join("project/runs").join(run)).unwrap().data.source
        };
        assert_eq!(placed("a"), "../../data/points.csv");
        assert_eq!(placed("b/c/d/e"), points.to_str().unwrap());
        let far = config(&points).placed_in(Path::new("/")).unwrap();
        assert_eq!(far.data.source, points.to_str().unwrap());
    }

    #[test]
    fn a_written_name_leads_back_to_its_file() {
        let (_folder, root) = project();
        let run = root.join("project/runs/a");
        let mut config = config(&root.join("project/runs/../data/points.csv"));
        config.data.conditions = Some(root.join("project/data/points.csv"));
        config.source.distribution = "8gaussians".to_string();
        let mut read = config.placed_in(&run).unwrap();
        assert_eq!(read.data.source, "../../data/points.csv");
        read.opened_from(&run).unwrap();
        assert_eq!(Path::new(&read.data.source), root.join("project/data/points.csv"));
        assert_eq!(read.data.conditions, config.data.conditions);
        assert_eq!(read.source.distribution, "8gaussians");
    }

    /// From `there/run`, a link to `project/runs/a`, `..` is `project/runs` and not `there`.
    #[cfg(unix)]
    #[test]
    fn links_do_not_mislead() {
        use std::os::unix::fs::symlink;
        let (_folder, root) = project();
        fs::create_dir(root.join("there")).unwrap();
        symlink(root.join("project/runs/a"), root.join("there/run")).unwrap();
        symlink(root.join("project/data/points.csv"), root.join("there/latest.csv")).unwrap();
        let run = root.join("there/run");
        let placed = config(&root.join("there/latest.csv")).placed_in(&run).unwrap();
        // The link is kept, since it may be moved to another file on purpose.
        assert_eq!(placed.data.source, "../../../there/latest.csv");
        let mut read = placed.clone();
        read.opened_from(&run).unwrap();
        assert!(same(Path::new(&read.data.source), &root.join("there/latest.csv")));
    }

    #[test]
    fn a_file_that_is_missing_is_named_with_the_place_that_names_it() {
        let config = config(Path::new("gone/points.csv"));
        let error = config
            .check_files(Path::new("run/config.toml"), &config, |flag| format!("give {flag}"));
        let error = error.unwrap_err().to_string();
        for expected in ["gone/points.csv", "run/config.toml", "[data] source", "give --data"] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
