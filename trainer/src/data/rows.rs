//! Reads a file's points: chooses the data and condition columns of its table, and the valid rows.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::check_row::{Advice, first_invalid, valid_rows};
use super::columns::{default_names, select};
use super::condition_source::{Source, condition_names};
use super::conditions::{ConditionColumn, encode_rows};
use super::dates::{are_dates, is_date, seconds};
use super::digits::{Lost, step};
use super::lerobot;
use super::matrix::{Matrix, Points, retain_rows};
use super::read;
use super::table::{Cells, Header, Labels, Table, Use, Wanted};
use super::table_options::{Index, TableOptions};
use super::windows::{Columns, Cut, Windows, forget_invalid};
use crate::disk::quote::{listed, shortened};

/// How a file is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsOptions {
    /// Data columns. `None` for all columns that have no other use.
    pub data: Option<Vec<String>>,
    /// Whether [`Self::data`] are only the usual names: a file of other columns, whose names are not those, is read in
    /// order.
    pub or_all: bool,
    /// Condition columns of the same file.
    pub condition: Vec<String>,
    /// Another file. All its columns are conditions; its row `i` belongs to row `i` of the data.
    pub conditions_file: Option<PathBuf>,
    /// Numeric condition columns whose values are categories.
    pub categorical: Vec<String>,
    /// The column of groups, such as episodes, which are held out as a whole. Or another file, of one column: its row `i`
    /// is the group of row `i` of the data.
    pub group: Option<String>,
    /// How the rows, frames of the groups' episodes, become windows. `None` for rows that stand alone.
    pub windows: Option<Windows>,
    /// Whether rows with missing or non-finite values are skipped. Otherwise they are an error.
    pub skip_invalid: bool,
    /// What becomes of an index in the first column.
    pub index: Index,
    /// What text files do not say themselves.
    pub table: TableOptions,
    /// The flags that errors recommend.
    pub advice: Advice,
}

/// The points of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The points. Conditions that are categories are one-hot.
    pub points: Points,
    /// The names of the data columns.
    pub data_columns: Vec<String>,
    /// The shape of a row of data, if the file holds it as an array of several axes, or if it is a window.
    pub data_shape: Option<Vec<usize>>,
    /// The conditions.
    pub conditions: Vec<ConditionColumn>,
    /// The number of each point's group, if there are groups. They are numbered in the order of their names.
    pub groups: Option<Vec<u32>>,
    /// What was found out about the files, for example what separates their cells.
    pub notes: Vec<String>,
    /// Warnings for the user, for example of skipped rows or a missing row of names.
    pub warnings: Vec<String>,
}

/// Reads the points of the file `path`.
///
/// # Errors
///
/// Returns an error if the file cannot be read, a column does not exist, or a cell is not valid. The
/// message names the file, the line and the column, and says what to do.
pub fn load(path: &Path, options: &RowsOptions) -> Result<Rows> {
    let file = read::open(path, options.table)?;
    let open = |path| read::open(path, options.table);
    let other = options.conditions_file.as_deref().map(open).transpose()?;
    let mut notes = Vec::new();
    let header = said(file.header(), options, &mut notes);
    let other_header = other.as_ref().map(|other| said(other.header(), options, &mut notes));
    let named = lerobot_columns(&header, options, &mut notes);
    let options = named.as_ref().unwrap_or(options);
    let (group, mut group_file) = match &options.group {
        Some(name) if read::is_table_name(name) => {
            (None, Some(read::open(Path::new(name), options.table)?))
        }
        Some(name) => match select(&header, std::slice::from_ref(name))?[..] {
            [column] => (Some(column), None),
            _ => bail!("--group {name}: expected one column"),
        },
        None => (None, None),
    };
    let counter = options.windows.and_then(|_| lerobot::counter(&header, options.group.as_deref()));
    let own = select(&header, &options.condition)?;
    let data = data_columns(&header, options, &own, group)?;
    if let Some(&both) = data.iter().find(|column| own.contains(column)) {
        bail!("{}: column {} is both data and condition", header.file, header.name(both));
    }

    let mut sources: Vec<Source> =
        own.iter().map(|&column| Source { header: &header, column }).collect();
    if let Some(header) = &other_header {
        sources.extend(header.columns().map(|column| Source { header, column }));
    }
    for name in &options.categorical {
        ensure!(
            sources.iter().any(|source| source.is_called(name)),
            "--categorical {name}: expected a condition column, but none has this name"
        );
    }
    let names = condition_names(&sources)?;
    let wanted = |source: &Source| (source.column, source.kind(&options.categorical));
    let (own, others) = sources.split_at(own.len());
    let of_other = others.iter().map(wanted).collect();
    let groups = group.map(|group| (group, Use::Labels));
    let counters = counter.map(|counter| (counter, Use::Numbers));
    let others = own.iter().map(wanted).chain(groups).chain(counters).collect();

    let mut table = file.read(Wanted { data: data.clone(), others })?;
    let mut other = match other {
        Some(other) => Some(other.read(Wanted { data: Vec::new(), others: of_other })?),
        None => None,
    };
    if let Some(other) = &other {
        ensure!(
            other.rows == table.rows,
            "{} has {} rows, but {} has {}: expected one row of conditions per row of data",
            other.header.file,
            other.rows,
            header.file,
            table.rows
        );
    }
    for table in [Some(&table), other.as_ref()].into_iter().flatten() {
        check_digits(table)?;
    }
    let group_table = group_file.take().map(|file| group_labels(file, &table)).transpose()?;
    let mut columns = std::mem::take(&mut table.others);
    let counts = counter.and_then(|_| columns.pop());
    let mut groups = group.and_then(|_| columns.pop());
    let of_group = group_table.as_ref().map_or(&table, |(table, _)| table);
    groups = groups.or(group_table.as_ref().map(|(_, cells)| cells.clone()));
    columns.extend(other.iter_mut().flat_map(|other| std::mem::take(&mut other.others)));

    let belongs = |k: usize| if k < own.len() { &table } else { other.as_ref().unwrap_or(&table) };
    let checked: Vec<(&Table, &Cells)> =
        columns.iter().enumerate().map(|(k, cells)| (belongs(k), cells)).collect();
    let of_groups = groups.as_ref().map(|groups| (of_group, groups));
    let invalid =
        first_invalid(&table, &checked, of_groups, options.advice).map(|(_, error)| error);
    let mut x = std::mem::take(&mut table.data);
    let mut kept = table.rows;
    let mut valid = None;
    if let Some(error) = &invalid {
        if !options.skip_invalid {
            let systematic = table.odd.iter().any(|odd| is_date(&odd.text));
            let correct = match options.advice {
                // No single row is wrong.
                _ if systematic => "",
                Advice::Train => ". Correct the row, or skip such rows with --skip-invalid",
                Advice::None | Advice::Columns => ". Correct the row",
            };
            bail!("{error}{correct}");
        }
        let flags = valid_rows(&x, data.len(), columns.iter().chain(&groups));
        if options.windows.is_none() {
            kept = flags.iter().filter(|valid| **valid).count();
            retain_rows(&mut x, data.len(), &flags);
            columns.iter_mut().chain(&mut groups).for_each(|cells| cells.retain(&flags));
        } else {
            columns.iter_mut().for_each(|cells| forget_invalid(cells, &flags));
        }
        valid = Some(flags);
    }
    let of_frames = match &groups {
        Some(Cells::Labels { labels, .. }) => Some(labels),
        _ => None,
    };
    if let Some(Cells::Numbers { values, .. }) = &counts {
        lerobot::check_counter(values, of_frames, &table)?;
    }
    let cut = match options.windows {
        Some(windows) => {
            let place = |frame| table.place(frame);
            Some(windows.cut(&header.file, table.rows, of_frames, valid.as_deref(), place)?)
        }
        None => None,
    };
    let all = cut.as_ref().map_or(table.rows, Cut::rows);
    kept = cut.as_ref().map_or(kept, Cut::rows);
    if kept < 2 {
        let why =
            invalid.map_or(String::new(), |error| format!("; the first invalid row: {error}"));
        let what = if cut.is_some() { "windows" } else { "valid rows" };
        bail!("{}: expected at least 2 {what}, found {kept} of {all}{why}", header.file);
    }

    for (name, cells) in names.iter().zip(&columns) {
        ensure!(
            options.categorical.contains(name) || !are_dates(cells),
            "{}: all values of condition {} are dates. {}. If they are categories, add --categorical {1}",
            header.file,
            shortened(name),
            seconds(name)
        );
    }
    let conditions: Vec<ConditionColumn> =
        names.into_iter().zip(&mut columns).map(|(name, cells)| condition(name, cells)).collect();
    let data_names = if header.named {
        data.iter().map(|&column| header.names[column].clone()).collect()
    } else {
        default_names(data.len())
    };
    let data_shape = header.shape_of(&data);
    let mut rows = Columns { x, data_names, data_shape, cells: columns, conditions, groups };
    let mut warnings = Vec::new();
    if let Some(cut) = cut {
        if rows.groups.is_none() {
            warnings.push(format!(
                "{}: no --group, so all rows are one episode, and held-out windows share frames with those that are \
                 trained on: name the column of the episodes with --group",
                header.file
            ));
        }
        rows = cut.windows(rows)?;
        notes.extend(cut.notes);
    }
    let Columns { x, data_names, data_shape, cells: columns, conditions, groups } = rows;
    for header in [Some(&header), other_header.as_ref()].into_iter().flatten() {
        if !header.named && header.text {
            warnings.push(format!(
                "{}: the first row has no names, so columns are named by their numbers from 0",
                header.file
            ));
        }
    }
    if kept < all {
        let skipped = all - kept;
        warnings.push(format!(
            "{}: skipped {skipped} rows with missing or non-finite values, kept {kept}",
            header.file
        ));
    }
    let categories =
        |condition: &ConditionColumn| condition.categories.as_ref().map_or(0, Vec::len);
    let many: Vec<String> = conditions
        .iter()
        .filter(|condition| categories(condition) > 20.max(kept / 10))
        .map(|condition| {
            format!("{} has {} categories", shortened(&condition.name), categories(condition))
        })
        .collect();
    if !many.is_empty() {
        warnings.push(format!("in {kept} rows, condition {}", listed(&many)));
    }
    let c = encode_rows(&columns, &conditions, kept);
    Ok(Rows {
        points: Points { x: Matrix::new(x, kept, data_names.len()), c },
        data_shape,
        data_columns: data_names,
        conditions,
        groups: groups.and_then(|cells| match cells {
            Cells::Labels { mut labels, .. } => {
                labels.sort(false);
                Some(labels.ids)
            }
            Cells::Numbers { .. } => None,
        }),
        notes,
        warnings,
    })
}

/// Returns `options` with LeRobot's columns, if the file has them and the options name neither data nor conditions.
fn lerobot_columns(
    header: &Header,
    options: &RowsOptions,
    notes: &mut Vec<String>,
) -> Option<RowsOptions> {
    let chosen = options.data.is_some()
        || !options.condition.is_empty()
        || options.conditions_file.is_some();
    if chosen || !lerobot::is_lerobot(header) {
        return None;
    }
    let (action, observation) = (lerobot::ACTION, lerobot::OBSERVATION);
    let group = options.group.clone().unwrap_or_else(|| lerobot::EPISODE.to_string());
    notes.push(format!(
        "{}: a data set of LeRobot: the data are {action}, the conditions {observation}, the groups {group}; --data and \
         --condition choose others",
        header.file
    ));
    Some(RowsOptions {
        data: Some(vec![action.to_string()]),
        condition: vec![observation.to_string()],
        group: Some(group),
        ..options.clone()
    })
}

/// Reads a file of one column, the groups of the rows of `table`.
fn group_labels(file: read::Reader, table: &Table) -> Result<(Table, Cells)> {
    let columns: Vec<usize> = file.header().columns().collect();
    let [column] = columns[..] else {
        bail!(
            "--group {}: expected a file of one column, the group of each row, found {} columns",
            file.header().file,
            columns.len()
        )
    };
    let wanted = Wanted { data: Vec::new(), others: vec![(column, Use::Labels)] };
    let mut groups = file.read(wanted)?;
    ensure!(
        groups.rows == table.rows,
        "--group {} has {} rows, but {} has {}: expected the group of each row",
        groups.header.file,
        groups.rows,
        table.header.file,
        table.rows
    );
    let cells =
        groups.others.pop().unwrap_or(Cells::Labels { labels: Labels::default(), odd: None });
    Ok((groups, cells))
}

/// Returns the header of a file, without an index if that is data, and notes what was found out about the file.
fn said(header: &Header, options: &RowsOptions, notes: &mut Vec<String>) -> Header {
    let mut header = header.clone();
    let file = &header.file;
    if let Some(found) = &header.found {
        notes.push(format!("{file}: {found}"));
    }
    match options.index {
        Index::Keep => header.index = 0,
        Index::Drop => {}
    }
    let named = match header.index {
        0 => return header,
        1 if header.names[0].is_empty() => "the nameless first column".to_string(),
        1 => format!("the first column, {}", header.name(0)),
        several => format!("the first {several} columns"),
    };
    let keep = match options.advice {
        Advice::Train => "; --index keep keeps it",
        Advice::None | Advice::Columns => "",
    };
    notes.push(format!("{file}: left out {named}, the index that pandas writes{keep}"));
    header
}

/// Checks that the deviation of each column survives the storage as 32-bit floats.
fn check_digits(table: &Table) -> Result<()> {
    let Some((column, Lost { mean, deviation })) = table.lost else { return Ok(()) };
    bail!(
        "{}, column {}: its values lie near {} with a standard deviation of {deviation:.3}, but its digits do not fit \
         32-bit floats, which are {} apart there: subtract an offset, such as {2}, from the column",
        table.header.file,
        table.header.name(column),
        mean.round(),
        step(mean)
    )
}

/// Returns the condition of a column. The labels of its rows become the indices of its categories.
fn condition(name: String, cells: &mut Cells) -> ConditionColumn {
    let categories = match cells {
        Cells::Labels { labels, .. } => Some(labels.sort(true)),
        Cells::Numbers { .. } => None,
    };
    ConditionColumn { name, categories }
}

fn data_columns(
    header: &Header,
    options: &RowsOptions,
    conditions: &[usize],
    group: Option<usize>,
) -> Result<Vec<usize>> {
    let free = |column: &usize| !conditions.contains(column) && Some(*column) != group;
    let selected = match &options.data {
        Some(names)
            if options.or_all
                && !(header.text && header.named)
                && header.find(names.iter()).is_none() =>
        {
            header.columns().collect()
        }
        Some(names) => select(header, names)?,
        None => {
            let all: Vec<usize> = header.columns().filter(free).collect();
            let arrays = header
                .blocks
                .iter()
                .filter(|block| block.columns.clone().any(|column| all.contains(&column)));
            if let (Some(archive), 2..) = (&header.archive, arrays.count()) {
                let flag = match options.advice {
                    Advice::Train => {
                        ": choose the data with --data NAME, and conditions with --condition NAME"
                    }
                    Advice::Columns => ": choose one with --columns NAME",
                    Advice::None => "",
                };
                bail!("{}: the archive holds the arrays {archive}{flag}", header.file);
            }
            all
        }
    };
    ensure!(!selected.is_empty(), "{}: no data columns are left", header.file);
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tensor_file::{Block, TensorFile};
    use std::fs;

    fn read(text: &str, options: &RowsOptions) -> Result<Rows> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        fs::write(&path, text).unwrap();
        load(&path, options)
    }

    fn names(names: &str) -> Vec<String> {
        names.split(',').map(str::to_string).collect()
    }

    #[test]
    fn text_becomes_a_one_hot_condition() {
        let options = RowsOptions { condition: names("label"), ..RowsOptions::default() };
        let rows = read("x,label,y\n1,b,2\n3,a,4\n", &options).unwrap();
        assert_eq!(rows.data_columns, ["x", "y"]);
        assert_eq!(rows.points.x.values(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rows.points.c.values(), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(rows.conditions[0].categories, Some(names("a,b")));
    }

    #[test]
    fn numbers_are_categories_only_with_the_option_categorical() {
        let text = "x,k\n1,10\n2,9\n";
        let plain = RowsOptions { condition: names("k"), ..RowsOptions::default() };
        assert_eq!(read(text, &plain).unwrap().points.c.values(), [10.0, 9.0]);
        let rows = read(text, &RowsOptions { categorical: names("k"), ..plain }).unwrap();
        assert_eq!(rows.conditions[0].categories, Some(names("9,10")));
        assert_eq!(rows.points.c.values(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn bad_cells_are_refused_with_line_and_column() {
        for (text, expected) in [
            ("x,y\n1,2\n3,four\n5,6\n", "line 3, column y: expected a number, found \"four\""),
            ("x,y\n1,2\n3,\n5,6\n", "line 3, column y: expected a finite number, found \"\""),
            ("x,y\n1,2\n3,inf\n5,6\n", "line 3, column y"),
        ] {
            let error = read(text, &RowsOptions::default()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            let skip = RowsOptions { skip_invalid: true, ..RowsOptions::default() };
            let rows = read(text, &skip).unwrap();
            assert_eq!(rows.points.x.rows(), 2);
            assert!(rows.warnings[0].contains("skipped 1 rows"), "{:?}", rows.warnings);
        }
    }

    #[test]
    fn text_among_numbers_is_refused_unless_the_column_is_categorical() {
        let text = "x,s\n1,5\n2,6\n3,abc\n";
        let plain =
            RowsOptions { condition: names("s"), advice: Advice::Train, ..RowsOptions::default() };
        let error = read(text, &plain).unwrap_err().to_string();
        assert!(error.contains("line 4, column s") && error.contains("--categorical s"), "{error}");
        let skip = RowsOptions { skip_invalid: true, ..plain.clone() };
        assert_eq!(read(text, &skip).unwrap().points.c.values(), [5.0, 6.0]);
        let rows = read(text, &RowsOptions { categorical: names("s"), ..plain }).unwrap();
        assert_eq!(rows.conditions[0].categories, Some(names("5,6,abc")));
    }

    #[test]
    fn a_skipped_row_adds_no_category() {
        let options =
            RowsOptions { condition: names("label"), skip_invalid: true, ..RowsOptions::default() };
        let rows = read("x,label\n1,a\n2,b\n,ghost\n", &options).unwrap();
        assert_eq!(rows.conditions[0].categories, Some(names("a,b")));
    }

    #[test]
    fn a_file_without_names_gives_its_columns_default_names() {
        let options = RowsOptions { condition: names("2"), ..RowsOptions::default() };
        let rows = read("1,2,5\n3,4,6\n", &options).unwrap();
        assert_eq!(rows.data_columns, ["x", "y"]);
        assert_eq!(rows.conditions[0].name, "c0");
        assert!(rows.warnings[0].contains("the first row has no names"), "{:?}", rows.warnings);
    }

    #[test]
    fn labels_of_digits_and_letters_are_each_one_category() {
        let labels = ["10", "1a", "9", "10", "9", "1a", "45b", "10"];
        let text: String = labels.iter().map(|label| format!("1,{label}\n")).collect();
        let options = RowsOptions {
            condition: names("label"),
            categorical: names("label"),
            ..RowsOptions::default()
        };
        let rows = read(&format!("x,label\n{text}"), &options).unwrap();
        assert_eq!(rows.conditions[0].categories, Some(names("10,1a,45b,9")));
    }

    #[test]
    fn a_row_without_a_group_is_refused() {
        let options = RowsOptions { group: Some("e".into()), ..RowsOptions::default() };
        let error = read("x,e\n1,a\n2,\n3,b\n", &options).unwrap_err().to_string();
        assert!(error.contains("line 3, column e"), "{error}");
    }

    #[test]
    fn two_conditions_with_the_same_name_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("c.csv");
        fs::write(&file, "k\n5\n6\n").unwrap();
        let options = RowsOptions {
            condition: names("k"),
            conditions_file: Some(file),
            ..RowsOptions::default()
        };
        let error = read("x,k\n1,2\n3,4\n", &options).unwrap_err().to_string();
        assert!(error.contains("two conditions are called k"), "{error}");
    }

    #[test]
    fn large_integers_remain_distinct_groups() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.safetensors");
        let mut file = TensorFile::default();
        file.tensors.insert("x".into(), Block::f32(&[2], &[1.0, 2.0]));
        file.tensors.insert("e".into(), Block::f64(&[2], &[1_700_000_000.0, 1_700_000_001.0]));
        fs::write(&path, file.to_bytes().unwrap()).unwrap();
        let options = RowsOptions { group: Some("e".into()), ..RowsOptions::default() };
        assert_eq!(load(&path, &options).unwrap().groups, Some(vec![0, 1]));
    }

    #[test]
    fn a_column_cannot_be_both_data_and_condition() {
        let options = RowsOptions {
            data: Some(names("x,y")),
            condition: names("y"),
            ..RowsOptions::default()
        };
        let error = read("x,y\n1,2\n3,4\n", &options).unwrap_err().to_string();
        assert!(error.contains("y is both data and condition"), "{error}");
    }

    #[test]
    fn the_column_of_groups_is_not_data() {
        let options = RowsOptions { group: Some("e".into()), ..RowsOptions::default() };
        let rows = read("x,e\n1,a\n2,a\n3,b\n", &options).unwrap();
        assert_eq!(rows.groups, Some(vec![0, 0, 1]));
        assert_eq!(rows.data_columns, ["x"]);
    }

    #[test]
    fn a_file_of_conditions_must_have_as_many_rows() {
        let directory = tempfile::tempdir().unwrap();
        let conditions = directory.path().join("c.csv");
        let options = |text: &str| {
            fs::write(&conditions, text).unwrap();
            RowsOptions { conditions_file: Some(conditions.clone()), ..RowsOptions::default() }
        };
        let rows = read("x\n1\n2\n", &options("k\n5\n6\n")).unwrap();
        assert_eq!(rows.points.c.values(), [5.0, 6.0]);
        let error = read("x\n1\n2\n", &options("k\n5\n")).unwrap_err().to_string();
        assert!(error.contains("1 rows") && error.contains("has 2"), "{error}");
    }
}
