//! The sets of real data and starting points of an evaluation, and what is measured with them.

use anyhow::{Result, ensure};
use flowlet::SolverKind;

use super::estimate::Estimate;
use super::lot::{Column, Lot, columns, deviation_ratios};
use super::per_class;
use super::plan::Plan;
use super::result::Row;
use super::subject::Subject;
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Points};
use crate::judge::distance::Distances;
use crate::judge::sides::{Sides, joint};
use crate::judge::stage::Stage;
use crate::judge::two_samples::tell_apart;
use crate::judge::view::View;
use crate::model::cost;

/// The sets of an evaluation. All samplers get the same starting points and conditions.
pub(super) struct Sets<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) view: View<'a>,
    /// Two sets of real data for the Wasserstein distances.
    pub(super) sides: Sides,
    /// Real data for the energy distance.
    pub(super) stage: Stage,
    /// Real data for the classifier and the columns.
    pub(super) lot: Lot,
    /// Starting points of each, in flow units.
    pub(super) x_0: Starts,
    /// Mean and deviation of each column of the lot's rows.
    pub(super) real_columns: Vec<Column>,
    /// The rows of each class in the lot, and their columns.
    classes: Vec<(String, Vec<usize>)>,
    columns_of_classes: Vec<(String, Vec<Column>)>,
    /// Prepared once for all samplers.
    first: Matrix,
    lot_rows: Matrix,
}

/// Starting points. They are the first ones of the seed, so that sets have as many as they can in common.
pub(super) struct Starts {
    pub(super) sides: Matrix,
    pub(super) stage: Matrix,
    pub(super) lot: Matrix,
}

/// What is measured of one solver and number of steps.
pub(super) struct Measured {
    pub(super) row: Row,
    /// The deviation of each column, over all rows and within each class.
    pub(super) deviations: Vec<f64>,
}

impl<'a> Sets<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, plan: &Plan) -> Result<Self> {
        let Subject { model, real, source, conditions, units, .. } = *subject;
        let mut rng = generator(plan.seed, Stream::Evaluation);
        let sides = Sides::of(real, plan.points, &mut rng);
        ensure!(
            sides.first.x.rows() > 0,
            "too few rows to compare: expected at least two, one for each set"
        );
        let conditional = model.mlp.condition_dim() > 0;
        let view = View { units, standardize: plan.standardize || conditional };
        // Chosen as `flowlet train` and `flowlet report` choose it, so that their numbers agree.
        let mut own = generator(plan.seed, Stream::Evaluation);
        let stage = Stage::of(real, &view, plan.samples, &mut own);
        let lot = Lot::of(real, &mut rng);
        let starts = |rows: usize| source.starts(plan.seed, rows, model.mlp.data_dim());
        let x_0 = Starts {
            sides: starts(sides.first.x.rows()),
            stage: starts(stage.c.rows()),
            lot: starts(lot.c.rows()),
        };
        let classes = lot.classes(conditions);
        let columns_of_classes = classes
            .iter()
            .map(|(name, rows)| (name.clone(), columns(&lot.real.x.select(rows))))
            .collect();
        let (first, lot_rows) = (view.of(&sides.first), joint(&lot.real, units));
        let real_columns = columns(&lot.real.x);
        Ok(Self {
            subject,
            view,
            sides,
            stage,
            lot,
            x_0,
            real_columns,
            classes,
            columns_of_classes,
            first,
            lot_rows,
        })
    }

    /// Measures the samples by `kind` in `steps`.
    ///
    /// # Errors
    ///
    /// When samples are not finite.
    pub(super) fn measure(&self, kind: SolverKind, steps: usize, plan: &Plan) -> Result<Measured> {
        let Self { subject, view, stage, lot, .. } = self;
        let Subject { model, conditions, units, .. } = **subject;
        let samples = |x_0: &Matrix, c: &Matrix| self.samples(kind, steps, x_0, c);
        let of_sides = samples(&self.x_0.sides, &self.sides.second.c)?;
        let of_stage = samples(&self.x_0.stage, &stage.c)?;
        let of_lot = samples(&self.x_0.lot, &lot.c)?;
        let evaluations = steps * kind.evaluations();

        let columns = columns(&of_lot.x);
        let columns_of_class =
            |(name, rows): &(String, Vec<usize>)| (name.clone(), lot.columns_of(&of_lot.x, rows));
        let of_classes: Vec<(String, Vec<Column>)> =
            self.classes.iter().map(columns_of_class).collect();
        let within_classes = of_classes.iter().flat_map(|(_, columns)| columns);
        let deviations = columns.iter().chain(within_classes).map(|column| column.deviation);
        let deviations = deviations.collect();

        let mut by_class = per_class::between(&of_sides, &self.sides.first, conditions, view);
        per_class::add_energies(&mut by_class, stage, &of_stage.x, conditions, view);
        per_class::add_deviations(&mut by_class, &of_classes, &self.columns_of_classes);
        let energy = stage.energy(&of_stage.x, view);
        let row = Row {
            solver: kind.name(),
            steps,
            evaluations,
            multiply_adds: evaluations * cost::multiply_adds(&model.shape()),
            instructions: plan.instructions.map(|one| one * evaluations),
            distances: Distances::between(&view.of(&of_sides), &self.first),
            energy: energy.as_ref().map(Estimate::from),
            told_apart: tell_apart(&self.lot_rows, &joint(&of_lot, units), plan.seed),
            deviation: deviation_ratios(&columns, &self.real_columns),
            columns,
            by_class,
        };
        Ok(Measured { row, deviations })
    }

    /// Returns samples by `kind` in `steps` from `x_0`, `[m, D]` in flow units, under the conditions `c`.
    ///
    /// # Errors
    ///
    /// When they are not finite.
    pub(super) fn samples(
        &self,
        kind: SolverKind,
        steps: usize,
        x_0: &Matrix,
        c: &Matrix,
    ) -> Result<Points> {
        let x = (self.subject.draw)(kind, steps, x_0, c)?;
        ensure!(
            x.values().iter().all(|x| x.is_finite()),
            "samples by {kind} in {steps} steps are not finite"
        );
        Ok(Points { x, c: c.clone() })
    }
}
