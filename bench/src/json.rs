//! The report as JSON, for scripts.

use serde_json::{Map, Value, json};

use crate::attack::{self, Spell};
use crate::goal::goals;
use crate::report::Report;
use crate::sample::{Best, Row};
use crate::storm;
use crate::system::System;

/// The whole report.
pub(crate) fn of(report: &Report) -> Value {
    let machine = &report.machine;
    let versions: Map<String, Value> = report
        .versions
        .iter()
        .map(|(name, version)| (name.clone(), json!(version)))
        .collect();
    let goals: Vec<Value> = goals(report)
        .iter()
        .map(|goal| json!({ "goal": goal.text, "reached": goal.reached, "met": goal.met }))
        .collect();
    json!({
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "memory_bytes": machine.memory_bytes,
            "kernel": machine.kernel,
            "load_before": machine.load_before,
        },
        "versions": versions,
        "seconds": report.seconds,
        "rows": report.rows.iter().map(|row| row_of(report, row)).collect::<Vec<_>>(),
        "attacks": report.attacks.iter().map(attack_of).collect::<Vec<_>>(),
        "crowds": report.crowds.iter().map(storm::json).collect::<Vec<_>>(),
        "goals": goals,
        "left_out": report.left_out,
        "failures": report.failures,
    })
}

/// One row; figures that a case does not have are left out.
fn row_of(report: &Report, row: &Row) -> Value {
    let mut value = json!({
        "case": row.case.name,
        "system": row.system.name(),
        "shards": row.case.shards,
        "in_flight": row.case.in_flight(),
        "rounds": row.rounds,
        "spread": row.spread,
        "notes": row.notes,
    });
    let figures = match row.best {
        Best::Load {
            cpu_s_per_million,
            per_second,
            frame_bytes,
            latency,
        } => json!({
            "cpu_s_per_million": cpu_s_per_million,
            "ratio_to_limit": report.ratio(row, System::Limit),
            "ratio_to_limit_coalesced": report.ratio(row, System::LimitCoalesced),
            "per_cpu_second": 1e6 / cpu_s_per_million,
            "per_second": per_second,
            "pace_to_sqlite": report.pace(row, System::Sqlite),
            "pace_to_limit": report.pace(row, System::Limit),
            "frame_bytes": Some(frame_bytes).filter(|bytes| *bytes > 0.0),
            "p50_ms": latency.map(|latency| latency.p50),
            "p99_ms": latency.map(|latency| latency.p99),
            "p999_ms": latency.map(|latency| latency.p999),
        }),
        Best::Idle(memory) => json!({
            "resident_bytes": memory.idle,
            "resident_bytes_after_60k": memory.after_large,
            "process_bytes_before": memory.base,
        }),
    };
    if let (Value::Object(value), Value::Object(figures)) = (&mut value, figures) {
        value.extend(figures);
        value.retain(|_, figure| !figure.is_null());
    }
    value
}

/// One attack, with the bounds that it was judged by.
fn attack_of(row: &attack::Row) -> Value {
    let fates: Map<String, Value> = row
        .tally
        .fates
        .iter()
        .map(|(fate, count)| (fate.to_string(), json!(count)))
        .collect();
    let faults = row.faults();
    json!({
        "case": row.plan.name,
        "rounds": row.rounds,
        "before": spell_of(&row.before),
        "during": spell_of(&row.during),
        "p99_ratio": row.p99_ratio(),
        "memory_ratio": row.memory_ratio,
        "bounds": {
            "p99_ratio": attack::P99_RATIO_MAX,
            "p99_unnoticed_ms": attack::P99_UNNOTICED,
            "memory_ratio": attack::MEMORY_RATIO_MAX,
            "answer": row.plan.answer.to_string(),
        },
        "attackers": {
            "begun": row.tally.begun,
            "inside": row.tally.inside,
            "strikes": row.tally.strikes,
            "ended": fates,
        },
        "passed": faults.is_empty(),
        "faults": faults,
    })
}

fn spell_of(spell: &Spell) -> Value {
    json!({
        "p50_ms": spell.latency.p50,
        "p99_ms": spell.latency.p99,
        "p999_ms": spell.latency.p999,
        "resident_bytes": spell.resident,
        "cpu_of_one_core": spell.cpu,
    })
}
