use super::*;
use std::collections::BTreeMap;

fn settings(seed: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([("seed", seed), ("steps", 5)])
}

const PLAIN: Begin = Begin { resume: false, force: false, inputs: &[] };
const RESUME: Begin = Begin { resume: true, ..PLAIN };
const FORCE: Begin = Begin { force: true, ..PLAIN };
const BOTH: Begin = Begin { resume: true, ..FORCE };

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("rows.csv")
    }

    fn try_open(&self, seed: u64, begin: Begin) -> Result<Opened> {
        PartFile::open(&self.out(), b"head\n", &settings(seed), begin)
    }

    #[track_caller]
    fn open(&self, seed: u64, begin: Begin) -> PartFile {
        match self.try_open(seed, begin).unwrap() {
            Opened::Unfinished(file) => file,
            Opened::Complete { .. } => panic!("the file is complete"),
        }
    }

    #[track_caller]
    fn error(&self, seed: u64, begin: Begin) -> String {
        let before = self.names();
        let error = self.try_open(seed, begin).unwrap_err().to_string();
        assert_eq!(self.names(), before, "{error}");
        error
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Leaves the files of a process that was killed after it had kept two rows and written more.
    fn interrupted(&self) {
        let mut file = self.open(1, PLAIN);
        file.write(b"1\n2\n").unwrap();
        file.keep(2).unwrap();
        file.write(b"3\n4").unwrap();
    }

    /// Resumes the interrupted file, which must become whole.
    #[track_caller]
    fn resumes(&self, begin: Begin) {
        let mut file = self.open(1, begin);
        assert_eq!(file.rows(), 2);
        file.write(b"3\n").unwrap();
        file.finish(3).unwrap();
        assert_eq!(fs::read(self.out()).unwrap(), b"head\n1\n2\n3\n");
    }
}

const PART: &str = "rows.csv.part";
const RECORD: &str = ".flowlet.rows.csv.json";

#[test]
fn a_complete_file_gets_its_final_name_and_nothing_else_stays() {
    let place = Place::new();
    let mut file = place.open(1, PLAIN);
    assert_eq!(place.names(), [RECORD, PART]);
    file.write(b"1\n").unwrap();
    file.keep(1).unwrap();
    assert_eq!(place.names(), [RECORD, PART]);
    file.finish(1).unwrap();
    assert_eq!(place.names(), ["rows.csv"]);
    assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n");
}

#[test]
fn without_kept_rows_a_file_starts_over() {
    let place = Place::new();
    place.open(1, PLAIN).write(b"1\n").unwrap();
    // State 1: some bytes, and a record of no rows.
    assert_eq!(place.names(), [RECORD, PART]);
    assert_eq!(place.open(2, RESUME).rows(), 0);
    place.open(3, PLAIN).give_up();
    assert!(place.names().is_empty());
}

#[test]
fn a_part_without_a_record_is_somebody_elses() {
    let place = Place::new();
    fs::write(place.path(PART), "a download").unwrap();
    for begin in [PLAIN, RESUME] {
        let error = place.error(1, begin);
        assert!(error.contains("is in the way"), "{error}");
        assert_eq!(fs::read(place.path(PART)).unwrap(), b"a download");
    }
    assert_eq!(place.names(), [PART]);
    place.open(1, FORCE).give_up();
}

#[test]
fn a_resumed_file_continues_after_the_kept_rows() {
    let place = Place::new();
    place.interrupted();
    place.resumes(RESUME);
    assert_eq!(place.names(), [RECORD, "rows.csv"]);
}

#[test]
fn a_file_that_lacks_only_its_name_gets_it() {
    let place = Place::new();
    place.interrupted();
    let mut file = place.open(1, RESUME);
    file.write(b"3\n").unwrap();
    file.record_rows(3, true).unwrap();
    drop(file);
    // State 3: killed before the rename.
    assert!(place.error(1, PLAIN).contains("holds 3 rows"));
    let mut file = place.open(1, RESUME);
    assert_eq!(file.rows(), 3);
    file.finish(3).unwrap();
    assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n2\n3\n");
}

#[test]
fn a_complete_file_of_the_same_settings_has_nothing_to_resume() {
    let place = Place::new();
    place.interrupted();
    place.resumes(RESUME);
    // State 4.
    let complete = |begin| {
        let opened = place.try_open(1, begin).unwrap();
        assert!(matches!(opened, Opened::Complete { rows: 3 }), "{opened:?}");
        assert_eq!(place.names(), [RECORD, "rows.csv"]);
    };
    complete(RESUME);
    complete(BOTH);
    let error = place.error(2, RESUME);
    assert!(error.contains("rows.csv is complete, but its seed is 1, not 2"), "{error}");
    assert!(place.error(1, PLAIN).contains("exists: choose another name"));
    // State 5: the user has changed the file, or moved it away.
    fs::write(place.out(), "mine").unwrap();
    let error = place.error(1, RESUME);
    assert!(error.contains("was changed after it was complete"), "{error}");
    fs::remove_file(place.out()).unwrap();
    assert_eq!(place.open(1, RESUME).rows(), 0);
    assert_eq!(place.names(), [RECORD, PART]);
}

#[test]
fn with_force_a_complete_file_of_other_settings_is_replaced_when_the_new_one_is_whole() {
    for begin in [FORCE, BOTH] {
        let place = Place::new();
        place.interrupted();
        place.resumes(RESUME);
        let mut file = place.open(2, begin);
        assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n2\n3\n");
        file.finish(0).unwrap();
        assert_eq!(fs::read(place.out()).unwrap(), b"head\n");
        assert!(!place.path(PART).exists());
    }
}

#[test]
fn an_existing_file_is_kept_without_force() {
    let place = Place::new();
    fs::write(place.out(), "years of work").unwrap();
    for begin in [PLAIN, RESUME] {
        assert!(place.error(1, begin).contains("rows.csv exists"));
    }
    // One that appears meanwhile, too.
    fs::remove_file(place.out()).unwrap();
    place.interrupted();
    fs::write(place.out(), "years of work").unwrap();
    let mut file = place.open(1, RESUME);
    file.write(b"3\n").unwrap();
    let error = file.finish(3).unwrap_err().to_string();
    assert!(error.contains("has appeared meanwhile"), "{error}");
    assert_eq!(fs::read(place.out()).unwrap(), b"years of work");
    drop(file);
    place.open(1, BOTH).finish(3).unwrap();
    assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n2\n3\n");
}

#[test]
fn kept_rows_are_not_overwritten_or_mixed_with_other_settings() {
    let place = Place::new();
    place.interrupted();
    assert!(place.error(1, PLAIN).contains("holds 2 rows of a run that was interrupted"));
    let error = place.error(3, RESUME);
    assert!(error.contains("its seed is 1, not 3"), "{error}");
    assert_eq!(place.open(1, RESUME).rows(), 2);
    for begin in [FORCE, BOTH] {
        assert_eq!(place.open(3, begin).rows(), 0);
        place.interrupted();
    }
}

#[test]
fn a_part_that_the_user_has_removed_starts_over() {
    let place = Place::new();
    place.interrupted();
    fs::remove_file(place.path(PART)).unwrap();
    // State 6.
    assert_eq!(place.open(2, RESUME).rows(), 0);
    assert_eq!(place.names(), [RECORD, PART]);
}

#[test]
fn a_file_shorter_than_its_record_is_refused() {
    let place = Place::new();
    place.interrupted();
    fs::write(place.path(PART), b"hea").unwrap();
    let error = place.error(1, RESUME);
    assert!(error.contains("expected at least 9 bytes, found 3"), "{error}");
    fs::write(place.path(RECORD), b"{}").unwrap();
    let error = place.error(1, RESUME);
    assert!(error.contains("is damaged: remove it and"), "{error}");
}

#[test]
fn only_one_process_writes_at_a_time() {
    let place = Place::new();
    let file = place.open(1, PLAIN);
    assert!(place.error(1, RESUME).contains("another process is writing"));
    drop(file);
    place.open(1, RESUME);
}

#[cfg(unix)]
#[test]
fn the_mode_of_the_earlier_file_is_kept_from_the_first_byte() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::write(place.out(), "secret").unwrap();
    fs::set_permissions(place.out(), fs::Permissions::from_mode(0o600)).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut file = place.open(1, FORCE);
    assert_eq!(mode(place.path(PART)), 0o600);
    file.finish(0).unwrap();
    assert_eq!(mode(place.out()), 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_part_is_not_followed() {
    let place = Place::new();
    fs::write(place.path("precious"), "years of work").unwrap();
    std::os::unix::fs::symlink("precious", place.path(PART)).unwrap();
    assert!(place.error(1, PLAIN).contains("it is a symbolic link"));
    assert_eq!(fs::read(place.path("precious")).unwrap(), b"years of work");
}
