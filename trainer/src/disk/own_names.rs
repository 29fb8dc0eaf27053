//! The names of flowlet's own files, which lie beside the outputs that they belong to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::digest::digest;

/// Prefix of the names of temporary files. A process that is killed may leave one.
const TEMPORARY: &str = ".flowlet-";

/// Prefix of the names of records. It differs from [`TEMPORARY`]: otherwise the record of `NAME` would be the
/// temporary file of an output called `NAME.json`.
const RECORD: &str = ".flowlet.";

/// The longest name, in bytes, that is repeated whole.
const WHOLE: usize = 200;

/// Returns the path of the temporary file of `target`: `.flowlet-NAME`.
pub(super) fn temporary(target: &Path) -> PathBuf {
    target.with_file_name(format!("{TEMPORARY}{}", repeated(target)))
}

/// Returns the path of the record of `target`: `.flowlet.NAME.json`. The name begins with a dot, so that
/// `cat part-*` does not find it.
pub(super) fn record(target: &Path) -> PathBuf {
    target.with_file_name(format!("{RECORD}{}.json", repeated(target)))
}

/// Whether the name of `path` is one of flowlet's own, which no output may have.
pub(super) fn is_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(TEMPORARY) || name.starts_with(RECORD)
}

/// Whether `name` is that of a temporary file of one of `targets`.
pub(super) fn is_temporary_of(targets: &[&str], name: &OsStr) -> bool {
    let name = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
    // Where there are no locks, the number of a process follows.
    let process = |rest: &str| rest.strip_prefix('.').is_some_and(|id| id.parse::<u32>().is_ok());
    name.is_some_and(|name| {
        let rests = targets.iter().filter_map(|target| name.strip_prefix(target));
        rests.into_iter().any(|rest| rest.is_empty() || process(rest))
    })
}

/// Returns the name of `target`. A name that is long or not UTF-8 is cut and ends in its digest, so that different
/// names stay different.
fn repeated(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    if let Some(name) = name.to_str().filter(|name| name.len() <= WHOLE) {
        return name.to_string();
    }
    let digest = digest(name.as_encoded_bytes());
    let text = name.to_string_lossy();
    let end = (0..=text.len().min(WHOLE)).rev().find(|&end| text.is_char_boundary(end));
    format!("{}-{digest}", &text[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_has_own_names_that_differ_from_those_of_other_outputs() {
        let long = |last: &str| format!("{}{last}", "é".repeat(126));
        let names = ["a", "a.json", "a.part", &long("1"), &long("2")];
        let own = names.map(|name| [temporary(Path::new(name)), record(Path::new(name))]);
        let all: std::collections::BTreeSet<_> = own.iter().flatten().collect();
        assert_eq!(all.len(), 2 * names.len(), "{own:?}");
        assert!(all.iter().all(|path| is_own(path) && path.as_os_str().len() <= 255), "{own:?}");
        assert_eq!(record(Path::new("in/a.csv")), Path::new("in/.flowlet.a.csv.json"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_text_do_not_share_a_file() {
        use std::os::unix::ffi::OsStrExt;
        let [one, other] = [b"a\xfe.csv", b"a\xff.csv"].map(|name| OsStr::from_bytes(name));
        assert_ne!(temporary(one.as_ref()), temporary(other.as_ref()));
        assert_ne!(record(one.as_ref()), record(other.as_ref()));
    }

    #[test]
    fn only_temporary_files_of_the_targets_belong_to_them() {
        let targets = ["model", "config"];
        for (name, belongs) in [
            (".flowlet-model", true),
            (".flowlet-config.4711", true),
            (".flowlet-model.json", false),
            (".flowlet-other", false),
            (".flowlet.model.json", false),
            ("model", false),
        ] {
            assert_eq!(is_temporary_of(&targets, OsStr::new(name)), belongs, "{name}");
        }
    }
}
