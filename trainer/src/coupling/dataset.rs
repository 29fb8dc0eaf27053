//! Prepares a run's data from its configuration: training data, held-out data, source and units.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use flowlet::Digest;

use crate::config::words::Keep;
use crate::config::{ARTICLE, Config, DataConfig};
use crate::coupling::pairs::{Pairs, TeacherPairs, load_alone, not_noise};
use crate::coupling::source::Source;
use crate::data::categories::{Category, into_data};
use crate::data::kinds::{Kinds, Seen};
use crate::data::random::{Stream, choose, generator};
use crate::data::{
    Advice, ConditionColumn, Distribution, ENDINGS, GaussianMixture, Matrix, PRESETS, Points, Rows,
    RowsOptions, Standardization, Target, Windows, load, preset, split,
};
use crate::disk::input::is_standard_input;
use crate::disk::quote::{listed, shortened};

/// A run's data, for training and for evaluation.
#[derive(Debug)]
pub struct Dataset {
    /// The target distribution that training draws from, in flow units.
    pub target: Target,
    /// The source distribution, in flow units.
    pub source: Source,
    /// Points for the held-out loss, in flow units; training never sees them. `None` without held-out
    /// rows. At most 4,096.
    pub held_out: Option<Points>,
    /// The number of held-out rows if they choose the weights and judge the model too, since they are too few for
    /// both.
    pub selected_on: Option<usize>,
    /// The same data in the user's units, for evaluation. Without the held-out rows that choose the weights.
    pub real: Real,
    /// Conversion between the user's units and flow units.
    pub units: Units,
    /// The names of the data columns.
    pub data_columns: Vec<String>,
    /// What the data columns can hold.
    pub kinds: Kinds,
    /// The conditions as the user named them.
    pub conditions: Vec<ConditionColumn>,
    /// The pairs of another teacher, if the configuration names a file of them.
    pub pairs: Option<TeacherPairs>,
    /// The digest of a file's rows.
    rows: Digest,
    /// The shape of a row of data, if its file holds it as an array of several axes.
    pub data_shape: Option<Vec<usize>>,
    /// What was found out about the files, such as what separates their cells.
    pub notes: Vec<String>,
    /// Warnings for the user, such as skipped rows or constant columns.
    pub warnings: Vec<String>,
}

/// The user's units of data and conditions: user's units = flow units · scale + mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// Mean and scale of the data, `D` columns.
    pub data: Standardization,
    /// Mean and scale of the conditions, `C` columns.
    pub condition: Standardization,
}

/// Data in the user's units.
#[derive(Debug)]
pub enum Real {
    /// A known distribution: as many draws as wanted.
    Distribution {
        /// The distribution.
        distribution: Distribution,
        /// Whether the class of a draw is its condition.
        by_class: bool,
    },
    /// A file's rows.
    Rows {
        /// The rows that training draws from.
        train: Arc<Points>,
        /// The rows that training never sees.
        held_out: Arc<Points>,
    },
}

/// Draws from a known distribution for the held-out loss; 16 times as many give its mean and scale.
const DRAWS: usize = 4096;

/// The held-out rows from which on half of them choose the weights, and the others judge the model.
const SEPARATE: usize = 200;

/// The most held-out rows of a file that the held-out loss uses.
const HELD_OUT: usize = 4096;

impl Dataset {
    /// Returns a digest of all rows from files, data and source, as 16 hexadecimal digits. A resumed run
    /// must have the same digest.
    pub fn digest(&self) -> String {
        let mut digest = self.rows;
        if let Source::Rows(rows) = &self.source {
            digest.update(rows.values());
        }
        if let Some(TeacherPairs { train, held_out }) = &self.pairs {
            train.add_to(&mut digest);
            held_out.add_to(&mut digest);
        }
        format!("{:016x}", digest.value())
    }

    /// Reads or prepares the data that `config` names.
    ///
    /// # Errors
    ///
    /// Returns an error if the data cannot be read or do not fit the configuration. The message names
    /// the file, and the line or column where there is one.
    pub fn open(config: &Config) -> Result<Self> {
        let Some(path) = &config.few_steps.pairs else { return Self::of_data(config) };
        let mut dataset = if config.has_data() {
            let mut dataset = Self::of_data(config)?;
            let Self { data_columns, conditions, .. } = &dataset;
            dataset.pairs = Some(TeacherPairs::beside(config, path, data_columns, conditions)?);
            dataset
        } else {
            let (rows, x_0) = load_alone(config, path)?;
            Self::from_rows(config, path, (rows, &[]), Some(x_0))?
        };
        if let Some(pairs) = &dataset.pairs {
            dataset.warnings.extend(not_noise(path, &pairs.train.x_0));
        }
        Ok(dataset)
    }

    /// Reads or prepares the data, without the pairs of another teacher.
    fn of_data(config: &Config) -> Result<Self> {
        let source = &config.data.source;
        if PRESETS.contains(&source.as_str()) {
            return Self::from_distribution(config);
        }
        let path = Path::new(source);
        if path.extension().is_none() && !path.exists() && !is_standard_input(path) {
            let presets = PRESETS.into_iter().chain([ARTICLE]);
            let near = presets
                .clone()
                .map(|preset| (strsim::jaro_winkler(preset, source), preset))
                .filter(|(similarity, _)| *similarity > 0.75)
                .max_by(|(a, _), (b, _)| a.total_cmp(b));
            match near {
                Some((_, near)) => {
                    bail!("no preset or file is called {source}: did you mean {near}?")
                }
                None => bail!(
                    "no preset or file is called {source}: the presets are {}; a file is a \
                     configuration (.toml) or data ({ENDINGS})",
                    presets.collect::<Vec<_>>().join(", ")
                ),
            }
        }
        Self::from_file(config, path)
    }

    fn from_distribution(config: &Config) -> Result<Self> {
        let DataConfig { source, components, condition, standardize, .. } = &config.data;
        refuse_file_options(&config.data)?;
        let distribution = if components.is_empty() {
            preset(source).with_context(|| format!("no preset is called {source}"))?
        } else {
            Distribution::Mixture(GaussianMixture::new(components.clone())?)
        };
        let by_class = match condition.as_slice() {
            [] => false,
            [one] if one == "class" && distribution.classes() > 1 => true,
            _ if distribution.classes() == 1 => {
                bail!("{source} has no classes: remove the condition")
            }
            _ => bail!(
                "the only condition of {source} is \"class\" ({}), found {condition:?}",
                distribution.class_names().join(", ")
            ),
        };
        let conditions = if by_class {
            let categories = Some(distribution.class_names());
            vec![ConditionColumn { name: "class".to_string(), categories }]
        } else {
            Vec::new()
        };
        let data = if *standardize {
            let draws =
                distribution.draw(DRAWS * 16, false, &mut generator(config.seed, Stream::Scale));
            Standardization::fit(&draws.x).0
        } else {
            Standardization::identity(distribution.data_dim())
        };
        let condition =
            Standardization::identity(conditions.iter().map(ConditionColumn::width).sum());
        let units = Units { data, condition };
        let mut rng = generator(config.seed, Stream::HeldOut);
        let mut held_out = distribution.draw(DRAWS, by_class, &mut rng);
        units.to_flow(&mut held_out);
        let rng = generator(config.seed, Stream::Target);
        let target = Target::draws(distribution.clone(), by_class, units.data.clone(), rng);
        let data_columns = distribution.column_names();
        Ok(Self {
            target,
            source: Source::open(config, &data_columns, &units.data)?,
            held_out: Some(held_out),
            pairs: None,
            rows: Digest::new(),
            selected_on: None,
            units,
            data_columns,
            kinds: Kinds::default(),
            real: Real::Distribution { distribution, by_class },
            conditions,
            data_shape: None,
            notes: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn from_file(config: &Config, path: &Path) -> Result<Self> {
        let data = &config.data;
        let mut rows = load(path, &rows_options(data))?;
        let categories = into_data(&mut rows, &data.categories_of_data());
        Self::from_rows(config, path, (rows, &categories), None)
    }

    /// The data of the rows of the file `path`, and the categories among their columns. For the pairs of another
    /// teacher, the rows are its samples, and their starting points are `x_0`.
    fn from_rows(
        config: &Config,
        path: &Path,
        (rows, categories): (Rows, &[Category]),
        mut x_0: Option<Matrix>,
    ) -> Result<Self> {
        let data = &config.data;
        let mut warnings = rows.warnings;
        let mut train = rows.points;
        let mut conditions = rows.conditions;
        let asked = conditions.len();
        // For categories, zeros say by themselves that there is none.
        let numbers = conditions.iter().any(|condition| condition.categories.is_none());
        if numbers && config.train.label_dropout > 0.0 {
            conditions.push(ConditionColumn::presence(&conditions));
            train.c = train.c.with_column(1.0);
        }
        let all = train.x.rows();
        ensure!(
            u32::try_from(all).is_ok(),
            "{}: expected fewer than 2³² rows, found {all}",
            path.display()
        );
        let mut rng = generator(config.seed, Stream::Split);
        let held_out = split(all, rows.groups.as_deref(), data.holdout, &mut rng)?;
        let held_out_x_0 = x_0.as_mut().map(|x_0| x_0.take_rows(&held_out));
        let held_out = train.take_rows(&held_out);
        let train = Arc::new(train);
        let part = held_out.x.rows();
        if rows.groups.is_some() && (part as f64 / all as f64 - data.holdout).abs() > 0.05 {
            warnings.push(format!(
                "groups are large: {part} of {all} rows are held out, expected a share of {}",
                data.holdout
            ));
        }
        if part == 0 {
            warnings
                .push("no rows are held out: the summary compares with training rows".to_string());
        }

        let seen = Seen::of(&[&train.x, &held_out.x], rows.data_columns.len());
        let names: Vec<String> = match data.windows() {
            Some(_) => rows.data_columns.iter().map(|name| Windows::frame_column(name)).collect(),
            None => rows.data_columns.clone(),
        };
        let kinds = Kinds::of(data.kinds(), &names, categories, &seen)
            .with_context(|| path.display().to_string())?;
        let mut notes = rows.notes;
        notes.extend(kinds.proposal(&names, &seen));
        warnings.extend(untrained_categories(&conditions, &train));
        warnings.extend(constant_conditions(&conditions[..asked], &train));

        let units = if data.standardize {
            let (units, constant) = Standardization::fit(&train.x);
            if !constant.is_empty() {
                let names = constant.iter().map(|&column| &rows.data_columns[column]);
                let names: Vec<&String> = names.collect();
                let are = match names.as_slice() {
                    [name] => format!("column {} is constant", shortened(name)),
                    names => format!("columns {} are constant", listed(names)),
                };
                ensure!(
                    !data.strict,
                    "{}: {are}; remove constant columns from the data columns, or train without --strict",
                    path.display()
                );
                warnings.push(format!("{are}: every sample has the same value there"));
            }
            Units { data: units, condition: Standardization::fit_conditions(&train.c, &conditions) }
        } else {
            Units {
                data: Standardization::identity(train.x.columns()),
                condition: Standardization::identity(train.c.columns()),
            }
        };
        let Units { data: of_data, condition } = units.clone();
        let rng_of_target = generator(config.seed, Stream::Target);
        let target = Target::rows(Arc::clone(&train), of_data, condition, rng_of_target);
        let mut digest = Digest::new();
        for matrix in [&train.x, &train.c, &held_out.x, &held_out.c] {
            digest.update(matrix.values());
        }
        // A student keeps its last weights.
        let best = config.train.keep == Keep::Best && x_0.is_none();
        let separate = best && part >= SEPARATE;
        let (mut flow, held_out) = if separate {
            let order = choose(part, part, &mut rng);
            let (selecting, judging) = order.split_at(part / 2);
            let selecting = &selecting[..selecting.len().min(HELD_OUT)];
            let mut judging = judging.to_vec();
            judging.sort_unstable();
            (held_out.select(selecting), held_out.select(&judging))
        } else if part > HELD_OUT {
            // A random subset: the file's first rows may not be typical.
            (held_out.select(&choose(part, HELD_OUT, &mut rng)), held_out)
        } else {
            (held_out.clone(), held_out)
        };
        let selected_on = (best && part > 0 && !separate).then_some(part);
        units.to_flow(&mut flow);
        let held_out = Arc::new(held_out);
        let pairs = |x_0, points| Pairs { x_0, points: Arc::clone(points) };
        let pairs = x_0.zip(held_out_x_0).map(|(x_0, held_out_x_0)| TeacherPairs {
            train: pairs(x_0, &train),
            held_out: pairs(held_out_x_0, &held_out),
        });
        Ok(Self {
            target,
            pairs,
            source: Source::open(config, &rows.data_columns, &units.data)?,
            held_out: (part > 0).then_some(flow),
            rows: digest,
            selected_on,
            real: Real::Rows { train, held_out },
            units,
            data_columns: rows.data_columns,
            conditions,
            data_shape: rows.data_shape,
            kinds,
            notes,
            warnings,
        })
    }

    /// Returns the least and the largest value of each condition in the training rows, `None` for categories. Empty if
    /// no condition is a number.
    pub fn condition_ranges(&self) -> Vec<Option<[f32; 2]>> {
        match &self.real {
            Real::Rows { train, .. } if self.conditions.iter().any(|c| c.categories.is_none()) => {
                ranges(&self.conditions, train)
            }
            _ => Vec::new(),
        }
    }

    /// Returns the number of data columns, `D`.
    pub fn data_dim(&self) -> usize {
        self.data_columns.len()
    }

    /// Returns the number of condition columns with categories one-hot, `C`.
    pub fn condition_dim(&self) -> usize {
        self.conditions.iter().map(ConditionColumn::width).sum()
    }
}

impl Units {
    /// Units that change nothing, for `D` data columns and `C` condition columns.
    pub fn identity(data_dim: usize, condition_dim: usize) -> Self {
        Self {
            data: Standardization::identity(data_dim),
            condition: Standardization::identity(condition_dim),
        }
    }

    /// Converts points from the user's units to flow units, in place.
    pub fn to_flow(&self, points: &mut Points) {
        self.data.forward(&mut points.x);
        self.condition.forward(&mut points.c);
    }
}

/// Returns how the rows of a run's file are read.
pub fn rows_options(data: &DataConfig) -> RowsOptions {
    // Categories of the data are read as those of conditions are.
    let of_data = data.categories_of_data();
    let columns = data
        .columns
        .as_ref()
        .map(|columns| columns.iter().filter(|name| !of_data.contains(name)).cloned().collect());
    RowsOptions {
        data: columns,
        condition: data.condition.iter().chain(&of_data).cloned().collect(),
        conditions_file: data.conditions.clone(),
        categorical: data.categorical.clone(),
        group: data.group.clone(),
        windows: data.windows(),
        skip_invalid: data.skip_invalid,
        index: data.index,
        table: data.table(),
        advice: Advice::Train,
        ..RowsOptions::default()
    }
}

/// Returns a warning for the categories that no training row has.
fn untrained_categories(conditions: &[ConditionColumn], train: &Points) -> Option<String> {
    let mut untrained = Vec::new();
    for (columns, condition) in ConditionColumn::with_columns(conditions) {
        for (column, category) in columns.zip(condition.categories.iter().flatten()) {
            if (0..train.c.rows()).all(|row| train.c.row(row)[column] == 0.0) {
                untrained.push(format!(
                    "{} of {}",
                    shortened(category),
                    shortened(&condition.name)
                ));
            }
        }
    }
    match untrained.as_slice() {
        [] => None,
        [one] => Some(format!("no training row has the category {one}")),
        several => Some(format!("no training row has the categories {}", listed(several))),
    }
}

/// Returns the range of each condition that is a number.
fn ranges(conditions: &[ConditionColumn], train: &Points) -> Vec<Option<[f32; 2]>> {
    let range = |(columns, condition): (Range<usize>, &ConditionColumn)| {
        let cells = (0..train.c.rows()).map(|row| train.c.row(row)[columns.start]);
        let range = cells.map(|x| [x, x]).reduce(|[a, b], [x, _]| [a.min(x), b.max(x)]);
        range.filter(|_| condition.categories.is_none())
    };
    ConditionColumn::with_columns(conditions).map(range).collect()
}

/// Returns a warning for the conditions that are the same in all training rows.
fn constant_conditions(conditions: &[ConditionColumn], train: &Points) -> Option<String> {
    let mut constant = Vec::new();
    for (condition, range) in conditions.iter().zip(ranges(conditions, train)) {
        let value = match (&condition.categories, range) {
            (None, Some([low, high])) if low == high => low.to_string(),
            (Some(all), _) if all.len() == 1 => shortened(&all[0]).into_owned(),
            _ => continue,
        };
        constant.push((shortened(&condition.name), value));
    }
    match constant.as_slice() {
        [] => None,
        [(name, value)] => Some(format!(
            "condition {name} is {value} in all training rows: the model cannot learn what it changes; leave it out"
        )),
        several => {
            let several: Vec<String> =
                several.iter().map(|(name, value)| format!("{name} ({value})")).collect();
            Some(format!(
                "conditions {} are the same in all training rows: the model cannot learn what they change; leave \
                 them out",
                listed(&several)
            ))
        }
    }
}

/// Refuses options for files, which a known distribution would silently ignore.
fn refuse_file_options(data: &DataConfig) -> Result<()> {
    let given = [
        ("columns", data.columns.is_some()),
        ("conditions", data.conditions.is_some()),
        ("categorical", !data.categorical.is_empty()),
        ("group", data.group.is_some()),
        ("window", data.window > 0),
        ("skip_invalid", data.skip_invalid),
        ("strict", data.strict),
        ("integer", !data.integer.is_empty()),
        ("bounds", !data.bounds.is_empty()),
        ("positive", !data.positive.is_empty()),
        ("holdout", data.holdout != DataConfig::default().holdout),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => {
            bail!("{option} is about a file's rows, but {} is a known distribution", data.source)
        }
        None => Ok(()),
    }
}
