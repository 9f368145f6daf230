//! The table of crowds.

use std::io::{self, Write};

use super::row::Row;
use crate::table::aligned;

const COLUMNS: [&str; 12] = [
    "case",
    "policy",
    "up s",
    "back p50 s",
    "p99 s",
    "last s",
    "attempts each",
    "refused",
    "most in 100 ms",
    "× mean",
    "memory ×",
    "acknowledged",
];
/// Two more, of the verdict.
const JUDGED: [&str; 2] = ["lost / twice / gaps", "verdict"];

/// Prints the table, if there is anything in it.
pub(crate) fn print(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "Storm and drain: who is back when, by the policy of the clients; seconds since the server was struck\n"
    )?;
    let columns: Vec<&str> = COLUMNS.into_iter().chain(JUDGED).collect();
    let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
    aligned(&columns, &lines, out)?;
    writeln!(out)
}

fn line(row: &Row) -> Vec<String> {
    let back = |share: f64| {
        let back = row.back_by(share).map(|back| back.as_secs_f64());
        back.map_or_else(|| "-".to_owned(), |back| format!("{back:.1}"))
    };
    let crowding = row.crowding();
    let faults = row.faults();
    let judged = &row.verdict;
    vec![
        row.ordeal.name.to_owned(),
        row.policy.name.to_owned(),
        format!("{:.1}", row.up.as_secs_f64()),
        back(0.5),
        back(0.99),
        back(1.0),
        format!("{:.1}", row.attempts_each()),
        row.connects.refused.to_string(),
        crowding.most.to_string(),
        format!("{:.1}", crowding.ratio()),
        format!("{:.2}", row.memory_ratio()),
        judged.acknowledged.to_string(),
        format!("{} / {} / {}", judged.lost, judged.twice, judged.gaps),
        match (row.policy.is_ours(), faults.is_empty()) {
            (true, true) => "pass".to_owned(),
            (true, false) => format!("FAIL: {}", faults.join(", ")),
            (false, true) => "-".to_owned(),
            (false, false) => faults.join(", "),
        },
    ]
}
