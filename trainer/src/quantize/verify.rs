//! Compares the runtime's whole numbers with golden outputs: every number must be the same.

use std::fmt;

use anyhow::{Context, Result, ensure};
use flowlet::SolverKind;
use flowlet::fixed::HeapSolver;
use safetensors::tensor::Dtype;

use super::file::IntegerFile;
use super::golden::{GUIDANCE, IntegerGolden, path_digest};
use crate::judge::golden::{METHOD_PATHS, METHOD_STEPS, check_size};

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was compared, how many numbers differ, and out of how many.
    pub numbers: Vec<(&'static str, usize, usize)>,
    /// Digests of paths: what they are of, and whether they are as expected.
    pub digests: Vec<(String, bool)>,
    /// Whether the self-test in the model's own file passes; `None` if the file has none.
    pub self_test: Option<bool>,
}

impl Report {
    /// Whether every number is as expected.
    pub fn passes(&self) -> bool {
        self.numbers.iter().all(|(_, wrong, _)| *wrong == 0)
            && self.digests.iter().all(|(_, right)| *right)
            && self.self_test != Some(false)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, wrong, all) in &self.numbers {
            if *wrong == 0 {
                writeln!(f, "{what:<26} {all} numbers, as expected")?;
            } else {
                writeln!(f, "{what:<26} {wrong} OF {all} NUMBERS DIFFER")?;
            }
        }
        let names = |right: bool| {
            let chosen = self.digests.iter().filter(|(_, found)| *found == right);
            chosen.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "{:<26} as expected: {}", "bits of each method", names(true))?;
        if self.digests.iter().any(|(_, right)| !right) {
            writeln!(f, "{:<26} {}", "OTHER BITS", names(false))?;
        }
        match self.self_test {
            Some(true) => writeln!(f, "{:<26} as expected", "self-test")?,
            Some(false) => writeln!(f, "{:<26} OTHER BITS than in the model file", "self-test")?,
            None => writeln!(f, "{:<26} none in the model file", "self-test")?,
        }
        f.write_str(if self.passes() { "passed" } else { "FAILED" })
    }
}

/// Runs the runtime on a golden file's inputs, and compares the results.
///
/// # Errors
///
/// When the golden file or the model's self-test belongs to a model of another size.
pub fn verify(opened: &IntegerFile, golden: &IntegerGolden) -> Result<Report> {
    let (q, a, mlp) = (&golden.questions, &golden.answers, &opened.mlp);
    check_size([golden.data_dim, golden.condition_dim], opened.model.shape)?;
    let (d, c) = (golden.data_dim, golden.condition_dim);
    let condition = |p: usize| &q.condition[p * c..][..c];
    let mut scratch = mlp.scratch();
    let mut paths = |solver: &HeapSolver, most: usize| -> Vec<i32> {
        let rows = q.x_0.chunks_exact(d).take(most).enumerate();
        rows.flat_map(|(p, x_0)| solver.trajectory(mlp, x_0, condition(p), &mut scratch)).collect()
    };
    let solver = HeapSolver::try_from_times(q.solver, &q.times).context("tensor times")?;
    let path = paths(&solver, usize::MAX);
    let mut data = q.x_0.clone();
    let mut scratch = mlp.scratch();
    solver.sample_batch(mlp, &mut data, &q.condition, &mut scratch);
    let velocity = (0..q.grid_t.len()).flat_map(|g| {
        let (x, c) = (&q.grid_x[g * d..][..d], &q.grid_condition[g * c..][..c]);
        mlp.velocity(q.grid_t[g], x, c, &mut scratch).to_vec()
    });
    let velocity: Vec<i32> = velocity.collect();
    let compared = [
        ("points of all paths", &path, &a.path),
        ("samples in data units", &data, &a.data),
        ("velocities", &velocity, &a.velocity),
    ];
    let numbers = compared.map(|(what, found, expected)| {
        let wrong = found.iter().zip(expected).filter(|(a, b)| a != b).count();
        (what, wrong + found.len().abs_diff(expected.len()), expected.len())
    });
    let equal_steps = |kind: SolverKind| -> Result<HeapSolver> {
        Ok(HeapSolver::try_uniform(kind, METHOD_STEPS.try_into()?)?)
    };
    let mut digest =
        |solver: &HeapSolver| path_digest(&paths(solver, METHOD_PATHS), METHOD_STEPS + 1, d);
    let mut digests = Vec::new();
    for &(kind, expected) in &a.methods {
        digests.push((kind.to_string(), digest(&equal_steps(kind)?) == expected));
    }
    if let Some(expected) = a.guided {
        let solver =
            equal_steps(SolverKind::Euler)?.guided(GUIDANCE, mlp.null_condition().to_vec());
        digests.push(("guided".to_string(), digest(&solver) == expected));
    }
    Ok(Report { numbers: numbers.to_vec(), digests, self_test: self_test(opened)? })
}

/// Whether the runtime takes the golden steps in the model's file. `None` if there are none.
fn self_test(opened: &IntegerFile) -> Result<Option<bool>> {
    let file = &opened.file;
    if !file.tensors.contains_key("self_test.next") {
        return Ok(None);
    }
    let (d, c) = (opened.mlp.data_dim(), opened.mlp.condition_dim());
    let read = |name: &str| -> Result<Vec<i32>> {
        let name = format!("self_test.{name}");
        file.tensor(&name)?.to_i32(Dtype::I32).with_context(|| format!("tensor {name}"))
    };
    let (t, dt, x, next) = (read("t")?, read("dt")?, read("x")?, read("next")?);
    let conditions = if c > 0 { read("condition")? } else { Vec::new() };
    let steps = t.len();
    ensure!(
        dt.len() == steps
            && x.len() == steps * d
            && next.len() == steps * d
            && conditions.len() == steps * c,
        "the tensors self_test.* do not belong to a model of this size"
    );
    let (mut passes, mut scratch) = (true, opened.mlp.scratch());
    for step in 0..steps {
        let times = [t[step], t[step].saturating_add(dt[step])];
        let solver = HeapSolver::try_from_times(SolverKind::Euler, &times)
            .context("tensors self_test.t and self_test.dt")?;
        let mut x = x[step * d..][..d].to_vec();
        solver.integrate(&opened.mlp, &mut x, &conditions[step * c..][..c], &mut scratch);
        passes &= x == next[step * d..][..d];
    }
    Ok(Some(passes))
}
