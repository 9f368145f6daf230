//! The closing tables, aligned for a terminal and for Markdown alike.

use std::io::{self, Write};

use crate::attack;
use crate::case::Kind;
use crate::goal::goals;
use crate::report::Report;
use crate::sample::{Best, Row};
use crate::storm;
use crate::system::System;

/// Prints all that a run found out.
pub(crate) fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", report.machine.line())?;
    let versions: Vec<String> = report
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    writeln!(out, "{}", versions.join(" · "))?;
    writeln!(
        out,
        "{} s in all; best of the rounds, spread = (worst - best) / best\n",
        report.seconds
    )?;
    for section in SECTIONS {
        let rows: Vec<Vec<String>> = report
            .rows
            .iter()
            .filter(|row| (section.holds)(&row.case.kind))
            .map(|row| (section.line)(report, row))
            .collect();
        if !rows.is_empty() {
            writeln!(out, "{}\n", section.title)?;
            aligned(section.columns, &rows, out)?;
            writeln!(out)?;
        }
    }
    attacks(report, out)?;
    storm::print(&report.crowds, out)?;
    goals_reached(report, out)?;
    lists(report, out)
}

/// What was reached of the goals, where anything was measured that they speak of.
fn goals_reached(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.rows.is_empty() {
        return Ok(());
    }
    let reached = |goal: crate::goal::Goal| {
        let verdict = match goal.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        };
        vec![
            goal.text,
            goal.reached.unwrap_or_else(|| "-".to_owned()),
            verdict.to_owned(),
        ]
    };
    let goals: Vec<Vec<String>> = goals(report).into_iter().map(reached).collect();
    writeln!(out, "Goals\n")?;
    aligned(&["goal", "reached", ""], &goals, out)
}

/// What a reader must know beside the tables.
fn lists(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let noted = report
        .rows
        .iter()
        .flat_map(|row| row.notes.iter().map(move |note| (row, note)));
    let noted: Vec<String> = noted
        .map(|(row, note)| format!("{} · {}: {note}", label(row), row.system.name()))
        .collect();
    for (title, lines) in [
        ("Read with care", &noted),
        ("Left out", &report.left_out),
        ("Failed", &report.failures),
    ] {
        if !lines.is_empty() {
            writeln!(out, "\n{title}\n")?;
            for line in lines {
                writeln!(out, "- {line}")?;
            }
        }
    }
    Ok(())
}

struct Section {
    title: &'static str,
    columns: &'static [&'static str],
    holds: fn(&Kind) -> bool,
    line: fn(&Report, &Row) -> Vec<String>,
}

const SECTIONS: &[Section] = &[
    Section {
        title: "Fan-out: CPU-seconds of the server per million deliveries",
        columns: &[
            "case",
            "system",
            "CPU s/M",
            "spread",
            "rounds",
            "× limit",
            "× coalesced",
            "deliveries/s",
            "frame B",
        ],
        holds: |kind| matches!(kind, Kind::FanOut(_)),
        line: fan_out,
    },
    Section {
        title: "Latency at 100 publications a second, from the intended instant, in milliseconds",
        columns: &[
            "case", "system", "p50", "p99", "p99.9", "CPU s/M", "spread", "rounds", "× limit",
        ],
        holds: |kind| matches!(kind, Kind::Latency { .. }),
        line: latency,
    },
    Section {
        title: "Echo and connect: how many for one CPU-second of the server",
        columns: &[
            "case",
            "system",
            "per CPU s",
            "CPU s/M",
            "spread",
            "rounds",
            "× limit",
            "× coalesced",
            "per second",
        ],
        holds: |kind| matches!(kind, Kind::Echo { .. } | Kind::Connect),
        line: exchange,
    },
    Section {
        title: "Encodings: a tick to 1,000 members who speak v2, in bursts of 16",
        columns: &[
            "case",
            "system",
            "CPU s/M",
            "spread",
            "rounds",
            "× limit",
            "× coalesced",
            "deliveries/s",
            "frame B",
        ],
        holds: |kind| matches!(kind, Kind::Ticks(_)),
        line: fan_out,
    },
    Section {
        title: "Recovery: clients that come back at once and have missed 100 messages each",
        columns: &[
            "case",
            "system",
            "all back, ms",
            "CPU ms per client",
            "spread",
            "rounds",
            "× limit",
            "bytes per client",
        ],
        holds: |kind| matches!(kind, Kind::Recovery { .. }),
        line: recovery,
    },
    Section {
        title: "Durable: publications with a key that are on the disk when they are answered",
        columns: &[
            "case",
            "system",
            "per second",
            "× sqlite",
            "× limit",
            "CPU s/M",
            "CPU spread",
            "rounds",
        ],
        holds: |kind| matches!(kind, Kind::Durable { .. }),
        line: durable,
    },
    Section {
        title: "Idle: resident bytes of the server per connection",
        columns: &[
            "case",
            "system",
            "idle B",
            "after 60 KB",
            "spread",
            "rounds",
            "process before, MB",
        ],
        holds: |kind| matches!(kind, Kind::Idle { .. }),
        line: idle,
    },
];

fn fan_out(report: &Report, row: &Row) -> Vec<String> {
    let Best::Load {
        cpu_s_per_million,
        per_second,
        frame_bytes,
        ..
    } = row.best
    else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{cpu_s_per_million:.3}"),
        spread(row),
        row.rounds.to_string(),
        times(report.ratio(row, System::Limit)),
        times(report.ratio(row, System::LimitCoalesced)),
        format!("{per_second:.0}"),
        format!("{frame_bytes:.0}"),
    ]
}

fn latency(report: &Report, row: &Row) -> Vec<String> {
    let Best::Load {
        cpu_s_per_million,
        latency: Some(latency),
        ..
    } = row.best
    else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{:.2}", latency.p50),
        format!("{:.2}", latency.p99),
        format!("{:.2}", latency.p999),
        format!("{cpu_s_per_million:.3}"),
        spread(row),
        row.rounds.to_string(),
        times(report.ratio(row, System::Limit)),
    ]
}

fn exchange(report: &Report, row: &Row) -> Vec<String> {
    let Best::Load {
        cpu_s_per_million,
        per_second,
        ..
    } = row.best
    else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{:.0}", 1e6 / cpu_s_per_million),
        format!("{cpu_s_per_million:.2}"),
        spread(row),
        row.rounds.to_string(),
        times(report.ratio(row, System::Limit)),
        times(report.ratio(row, System::LimitCoalesced)),
        format!("{per_second:.0}"),
    ]
}

fn recovery(report: &Report, row: &Row) -> Vec<String> {
    let (
        Best::Load {
            cpu_s_per_million,
            per_second,
            frame_bytes,
            ..
        },
        Kind::Recovery { clients, .. },
    ) = (row.best, row.case.kind)
    else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{:.0}", clients as f64 / per_second * 1e3),
        format!("{:.3}", cpu_s_per_million / 1e3),
        spread(row),
        row.rounds.to_string(),
        times(report.ratio(row, System::Limit)),
        format!("{frame_bytes:.0}"),
    ]
}

fn durable(report: &Report, row: &Row) -> Vec<String> {
    let Best::Load {
        cpu_s_per_million,
        per_second,
        ..
    } = row.best
    else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{per_second:.0}"),
        times(report.pace(row, System::Sqlite)),
        times(report.pace(row, System::Limit)),
        format!("{cpu_s_per_million:.1}"),
        spread(row),
        row.rounds.to_string(),
    ]
}

fn idle(_: &Report, row: &Row) -> Vec<String> {
    let Best::Idle(memory) = row.best else {
        return Vec::new();
    };
    vec![
        label(row),
        row.system.name().to_owned(),
        format!("{:.0}", memory.idle),
        memory
            .after_large
            .map_or_else(|| "-".to_owned(), |after| format!("{after:.0}")),
        spread(row),
        row.rounds.to_string(),
        format!("{:.1}", memory.base as f64 / 1e6),
    ]
}

fn attacks(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.attacks.is_empty() {
        return Ok(());
    }
    let line = |row: &attack::Row| {
        let (before, during) = (&row.before, &row.during);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let faults = row.faults();
        vec![
            row.plan.name.to_owned(),
            format!("{:.2} → {:.2}", before.latency.p50, during.latency.p50),
            format!("{:.2} → {:.2}", before.latency.p99, during.latency.p99),
            format!("{:.2}", row.p99_ratio()),
            format!(
                "{:.1} → {:.1}",
                megabytes(before.resident),
                megabytes(during.resident)
            ),
            format!("{:.2}", row.memory_ratio),
            format!("{:.0} → {:.0}", before.cpu * 100.0, during.cpu * 100.0),
            row.tally.strikes.to_string(),
            row.tally.to_string(),
            if faults.is_empty() {
                "pass".to_owned()
            } else {
                format!("FAIL: {}", faults.join(", "))
            },
        ]
    };
    let rows: Vec<Vec<String>> = report.attacks.iter().map(line).collect();
    writeln!(
        out,
        "Attacks: what bystanders and the server's memory notice, before → during\n"
    )?;
    aligned(
        &[
            "case",
            "p50 ms",
            "p99 ms",
            "p99 ×",
            "resident MB",
            "memory ×",
            "CPU %",
            "strikes",
            "attackers' connections",
            "verdict",
        ],
        &rows,
        out,
    )?;
    writeln!(out)
}

/// The case, with what tells two rows of one case apart.
pub(crate) fn label(row: &Row) -> String {
    match row.case.in_flight() {
        Some(in_flight) => format!("{}, {in_flight} in flight", row.case.name),
        None => row.case.name.to_owned(),
    }
}

/// One round has none.
fn spread(row: &Row) -> String {
    if row.rounds < 2 {
        return "-".to_owned();
    }
    format!("{:.0} %", row.spread * 100.0)
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// A Markdown table whose columns are aligned: words to the left, figures to the right.
pub(crate) fn aligned(
    columns: &[&str],
    rows: &[Vec<String>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let figure = |text: &str| text == "-" || text.starts_with(|first: char| first.is_ascii_digit());
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(at))
                .map(String::as_str);
            cells
                .chain(columns.get(at).copied())
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let right: Vec<bool> = (0..columns.len())
        .map(|at| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .all(|cell| figure(cell))
        })
        .collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| -> io::Result<()> {
        for ((cell, width), right) in cells.zip(&widths).zip(&right) {
            match right {
                true => write!(out, "| {cell:>width$} ")?,
                false => write!(out, "| {cell:<width$} ")?,
            }
        }
        writeln!(out, "|")
    };
    line(&mut columns.iter().copied())?;
    let rules: Vec<String> = widths
        .iter()
        .zip(&right)
        .map(|(width, right)| rule(*width, *right))
        .collect();
    line(&mut rules.iter().map(String::as_str))?;
    for row in rows {
        line(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}

fn rule(width: usize, right: bool) -> String {
    let dashes = "-".repeat(width.max(2) - usize::from(right));
    if right { format!("{dashes}:") } else { dashes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_to_the_right_and_words_to_the_left() {
        let rows = [
            vec!["limit".to_owned(), "2.50".to_owned()],
            vec!["node-ws".to_owned(), "-".to_owned()],
        ];
        let mut out = Vec::new();
        aligned(&["system", "CPU s/M"], &rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| system  | CPU s/M |");
        assert_eq!(lines[1], "| ------- | ------: |");
        assert_eq!(lines[2], "| limit   |    2.50 |");
        assert_eq!(lines[3], "| node-ws |       - |");
    }
}
