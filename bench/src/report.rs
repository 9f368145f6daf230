//! All that a run found out, and the ratios between its rows.

use anyhow::Result;

use crate::attack;
use crate::machine::Machine;
use crate::sample::Row;
use crate::storm;
use crate::system::System;

/// One run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Program and version.
    pub(crate) versions: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) attacks: Vec<attack::Row>,
    pub(crate) crowds: Vec<storm::Row>,
    /// Systems that were not measured, and why.
    pub(crate) left_out: Vec<String>,
    /// Rows that are missing because something failed.
    pub(crate) failures: Vec<String>,
    pub(crate) seconds: u64,
}

impl Report {
    /// The first row of a case for a system.
    pub(crate) fn row(&self, case: &str, system: System) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.case.name == case && row.system == system)
    }

    /// CPU time of a row in units of another system's in the same case: 2.0 is twice the CPU time.
    pub(crate) fn ratio(&self, row: &Row, to: System) -> Option<f64> {
        let base = self.rows.iter().find(|base| {
            base.system == to
                && base.case.name == row.case.compared_with()
                && base.case.in_flight() == row.case.in_flight()
        })?;
        Some(row.cpu_s_per_million()? / base.cpu_s_per_million()?)
    }

    /// How many a row has done in a second, in units of another system's in the same case: 0.5 is half as
    /// many.
    pub(crate) fn pace(&self, row: &Row, to: System) -> Option<f64> {
        let base = self.row(row.case.name, to)?;
        Some(row.per_second()? / base.per_second()?)
    }

    /// The ratio by names.
    pub(crate) fn ratio_of(&self, case: &str, [system, to]: [System; 2]) -> Option<f64> {
        self.ratio(self.row(case, system)?, to)
    }

    /// An error that says how much failed, if anything did.
    pub(crate) fn check(&self) -> Result<()> {
        let failures = self.failures.len();
        anyhow::ensure!(
            failures == 0,
            "{failures} rows could not be measured; why stands above"
        );
        let borne = |row: &&attack::Row| row.faults().is_empty();
        let beyond = self.attacks.len() - self.attacks.iter().filter(borne).count();
        anyhow::ensure!(
            beyond == 0,
            "{beyond} attacks were beyond a bound; which stands above"
        );
        let late = self.crowds.iter().filter(|row| !row.passes()).count();
        anyhow::ensure!(
            late == 0,
            "{late} crowds were beyond a bound; which stands above"
        );
        Ok(())
    }
}
