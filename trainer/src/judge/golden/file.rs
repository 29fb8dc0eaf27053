//! Reads and writes golden files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flowlet::SolverKind;

use super::{Answers, Golden};
use crate::config::words::solver;
use crate::data::Matrix;
use crate::disk::tensor_file::{Block, TensorFile};

impl Golden {
    /// Returns the bytes of a golden file.
    ///
    /// # Errors
    ///
    /// When the length of an answer does not fit its shape.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let matrix = |m: &Matrix| Block::f32(&[m.rows(), m.columns()], m.values());
        let path = [self.x_0.rows(), self.times.len(), self.x_0.columns()];
        let grid = [self.grid_t.len(), self.x_0.columns()];
        let tensors = [
            ("times", Block::f32(&[self.times.len()], &self.times)),
            ("x0", matrix(&self.x_0)),
            ("condition", matrix(&self.condition)),
            ("path.candle", Block::f32(&path, &self.path.candle)),
            ("path.reference", Block::f64(&path, &self.path.reference)),
            ("velocity.t", Block::f32(&[self.grid_t.len()], &self.grid_t)),
            ("velocity.x", matrix(&self.grid_x)),
            ("velocity.condition", matrix(&self.grid_condition)),
            ("velocity.candle", Block::f32(&grid, &self.velocity.candle)),
            ("velocity.reference", Block::f64(&grid, &self.velocity.reference)),
        ];
        let file = TensorFile {
            tensors: tensors.into_iter().map(|(name, block)| (name.to_string(), block)).collect(),
            metadata: digests(self.solver, self.path.digest, self.velocity.digest, &self.methods),
        };
        file.to_bytes()
    }

    /// Reads a golden file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not a golden file; the error names what is missing or wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        Self::from_file(&file).with_context(|| format!("{}: not a golden file", path.display()))
    }

    fn from_file(file: &TensorFile) -> Result<Self> {
        let f32s = |name: &str| -> Result<Vec<f32>> {
            file.tensor(name)?.to_f32().with_context(|| format!("tensor {name}"))
        };
        let matrix = |name: &str| -> Result<Matrix> {
            let values = f32s(name)?;
            match *file.tensor(name)?.shape() {
                [rows, columns] => Ok(Matrix::new(values, rows, columns)),
                ref shape => {
                    anyhow::bail!("tensor {name}: expected two dimensions, found {shape:?}")
                }
            }
        };
        let answers = |name: &str, expected: &[usize]| -> Result<Answers> {
            let (candle, reference) = (format!("{name}.candle"), format!("{name}.reference"));
            for name in [&candle, &reference] {
                file.tensor(name)?.check_shape(name, expected)?;
            }
            let key = format!("flowlet.digest.{name}");
            Ok(Answers {
                candle: f32s(&candle)?,
                reference: file.tensor(&reference)?.to_f64()?,
                digest: hexadecimal(file, &key)?
                    .with_context(|| format!("metadata {key} is missing"))?,
            })
        };
        let (solver, methods) = (solver_of(file)?, digests_by_method(file)?);
        let (x_0, times, grid_t) = (matrix("x0")?, f32s("times")?, f32s("velocity.t")?);
        let (condition, grid_x) = (matrix("condition")?, matrix("velocity.x")?);
        let grid_condition = matrix("velocity.condition")?;
        ensure!(times.len() >= 2, "tensor times: expected at least 2 times, found {}", times.len());
        ensure!(
            condition.rows() == x_0.rows()
                && grid_x.rows() == grid_t.len()
                && grid_condition.rows() == grid_t.len()
                && grid_x.columns() == x_0.columns()
                && grid_condition.columns() == condition.columns(),
            "the numbers of rows or columns of its tensors do not match"
        );
        let path = answers("path", &[x_0.rows(), times.len(), x_0.columns()])?;
        let velocity = answers("velocity", &[grid_t.len(), x_0.columns()])?;
        Ok(Self {
            solver,
            times,
            x_0,
            condition,
            path,
            methods,
            grid_t,
            grid_x,
            grid_condition,
            velocity,
        })
    }
}

/// Returns the metadata of a golden file: the solver, and the digests of paths, velocities and each method.
pub(crate) fn digests(
    solver: SolverKind,
    path: u64,
    velocity: u64,
    methods: &[(SolverKind, u64)],
) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::from([
        ("flowlet.golden".to_string(), "1".to_string()),
        ("flowlet.solver".to_string(), solver.to_string()),
        ("flowlet.digest.path".to_string(), format!("{path:016x}")),
        ("flowlet.digest.velocity".to_string(), format!("{velocity:016x}")),
    ]);
    metadata.extend(methods.iter().map(|(kind, digest)| (key(*kind), format!("{digest:016x}"))));
    metadata
}

/// Returns the solver in the metadata of a golden file, or Euler's method.
pub(crate) fn solver_of(file: &TensorFile) -> Result<SolverKind> {
    file.metadata.get("flowlet.solver").map_or(Ok(SolverKind::Euler), |name| solver(name))
}

/// Returns the methods whose digests are in the metadata of a golden file, with the digests.
pub(crate) fn digests_by_method(file: &TensorFile) -> Result<Vec<(SolverKind, u64)>> {
    let found = SolverKind::ALL
        .iter()
        .map(|&kind| Ok(hexadecimal(file, &key(kind))?.map(|digest| (kind, digest))));
    found.filter_map(Result::transpose).collect()
}

/// Returns the metadata key of a method's digest.
fn key(kind: SolverKind) -> String {
    format!("flowlet.digest.path.{kind}")
}

/// Reads the digest under a metadata key; `None` if the file has no such key.
pub(crate) fn hexadecimal(file: &TensorFile, key: &str) -> Result<Option<u64>> {
    let Some(digest) = file.metadata.get(key) else { return Ok(None) };
    Ok(Some(u64::from_str_radix(digest, 16).with_context(|| format!("metadata {key}"))?))
}
