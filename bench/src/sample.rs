//! What one round of one system yields, and what is made of all rounds.

use std::time::Duration;

use crate::case::Case;
use crate::load::fanout::Work;
use crate::load::latency::Percentiles;
use crate::system::System;

/// Rounds that differ more than this in CPU are no good base for a figure, and the report says so.
pub(crate) const SPREAD_MAX: f64 = 0.10;
/// The two clocks of CPU time may differ by this share, and by the length of some ticks.
const CLOCKS_MAX: f64 = 0.05;
const CLOCKS_SLACK: Duration = Duration::from_millis(30);

/// One round under load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) wall: Duration,
    /// CPU time of the server as the scheduler counts it.
    pub(crate) scheduled: Duration,
    /// The same as the kernel's accounting of user and system time has it.
    pub(crate) ticked: Duration,
    pub(crate) latency: Option<Percentiles>,
}

/// Resident bytes of one connection, in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// The growth when the connections came, by connection.
    pub(crate) idle: f64,
    /// The growth after each of them has echoed 60 KB, by connection, where the system has an echo.
    pub(crate) after_large: Option<f64>,
    /// The whole process before the first of them.
    pub(crate) base: u64,
}

/// One round.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    Load(Load),
    Idle(Memory),
}

/// One system in one case, over all rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: &'static Case,
    pub(crate) system: System,
    pub(crate) rounds: usize,
    pub(crate) best: Best,
    /// (largest - smallest) / smallest over the rounds: of the CPU time, or of the idle bytes.
    pub(crate) spread: f64,
    /// What a reader must know before using the figures.
    pub(crate) notes: Vec<String>,
}

/// The best round: the least CPU time, or the fewest bytes. Latencies are those of the round with
/// the lowest p99.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Best {
    Load {
        cpu_s_per_million: f64,
        per_second: f64,
        frame_bytes: f64,
        latency: Option<Percentiles>,
    },
    Idle(Memory),
}

impl Load {
    fn cpu_s_per_million(&self) -> f64 {
        per_million(self.scheduled, self.work.units)
    }
}

fn per_million(cpu: Duration, units: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / units.max(1) as f64
}

impl Row {
    /// Makes a row of all rounds; there is none without a round.
    pub(crate) fn of(case: &'static Case, system: System, samples: &[Sample]) -> Option<Self> {
        let loads: Vec<&Load> = samples.iter().filter_map(Sample::load).collect();
        let memories: Vec<&Memory> = samples.iter().filter_map(Sample::memory).collect();
        let figures = loads
            .iter()
            .map(|load| load.cpu_s_per_million())
            .chain(memories.iter().map(|memory| memory.idle));
        let (least, most) = figures.fold((f64::MAX, 0.0), |(least, most): (f64, f64), x| {
            (least.min(x), most.max(x))
        });
        let spread = (most - least) / least.max(f64::MIN_POSITIVE);
        let mut notes = Vec::new();
        if spread > SPREAD_MAX {
            notes.push(format!("the rounds differ by {:.0} %", spread * 100.0));
        }
        if let Some(apart) = clocks_apart(&loads) {
            notes.push(format!(
                "user and system time differ from the scheduler's by {:.0} %",
                apart * 100.0
            ));
        }
        let best = best_load(&loads).or_else(|| best_memory(&memories).map(Best::Idle))?;
        Some(Self {
            case,
            system,
            rounds: samples.len(),
            best,
            spread,
            notes,
        })
    }

    pub(crate) fn cpu_s_per_million(&self) -> Option<f64> {
        match self.best {
            Best::Load {
                cpu_s_per_million, ..
            } => Some(cpu_s_per_million),
            Best::Idle(_) => None,
        }
    }

    pub(crate) fn per_second(&self) -> Option<f64> {
        match self.best {
            Best::Load { per_second, .. } => Some(per_second),
            Best::Idle(_) => None,
        }
    }

    pub(crate) fn frame_bytes(&self) -> Option<f64> {
        match self.best {
            Best::Load { frame_bytes, .. } => Some(frame_bytes),
            Best::Idle(_) => None,
        }
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        match self.best {
            Best::Load { .. } => None,
            Best::Idle(memory) => Some(memory),
        }
    }
}

impl Sample {
    fn load(&self) -> Option<&Load> {
        match self {
            Self::Load(load) => Some(load),
            Self::Idle(_) => None,
        }
    }

    fn memory(&self) -> Option<&Memory> {
        match self {
            Self::Load(_) => None,
            Self::Idle(memory) => Some(memory),
        }
    }
}

fn best_load(loads: &[&Load]) -> Option<Best> {
    let best = loads
        .iter()
        .min_by(|a, b| a.cpu_s_per_million().total_cmp(&b.cpu_s_per_million()))?;
    let latency = loads
        .iter()
        .filter_map(|load| load.latency)
        .min_by(|a, b| a.p99.total_cmp(&b.p99));
    let per_second = loads
        .iter()
        .map(|load| load.work.units as f64 / load.wall.as_secs_f64())
        .fold(0.0, f64::max);
    Some(Best::Load {
        cpu_s_per_million: best.cpu_s_per_million(),
        per_second,
        frame_bytes: best.work.bytes as f64 / best.work.units.max(1) as f64,
        latency,
    })
}

fn best_memory(memories: &[&Memory]) -> Option<Memory> {
    let best = memories.iter().min_by(|a, b| a.idle.total_cmp(&b.idle))?;
    Some(**best)
}

/// By what share the two clocks differ over all rounds, where that is more than their grain
/// explains.
fn clocks_apart(loads: &[&Load]) -> Option<f64> {
    let scheduled: Duration = loads.iter().map(|load| load.scheduled).sum();
    let ticked: Duration = loads.iter().map(|load| load.ticked).sum();
    let apart = scheduled.abs_diff(ticked);
    let share = apart.as_secs_f64() / scheduled.as_secs_f64();
    (apart > CLOCKS_SLACK && share > CLOCKS_MAX).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ALL;

    fn load(milliseconds: u64) -> Sample {
        let cpu = Duration::from_millis(milliseconds);
        let work = Work {
            units: 1_000_000,
            bytes: 300_000_000,
        };
        Sample::Load(Load {
            work,
            wall: Duration::from_secs(1),
            scheduled: cpu,
            ticked: cpu,
            latency: None,
        })
    }

    #[test]
    fn the_best_round_counts_and_the_spread_is_told() {
        let row = Row::of(
            &ALL[0],
            System::Limit,
            &[load(2400), load(2000), load(2100)],
        )
        .unwrap();
        assert!((row.cpu_s_per_million().unwrap() - 2.0).abs() < 1e-9);
        assert!((row.spread - 0.2).abs() < 1e-9);
        assert_eq!(row.notes, ["the rounds differ by 20 %"]);
    }

    #[test]
    fn rounds_that_agree_need_no_note() {
        let row = Row::of(&ALL[0], System::Limit, &[load(2000), load(2100)]).unwrap();
        assert!(row.notes.is_empty());
    }

    #[test]
    fn clocks_that_disagree_are_told() {
        let Sample::Load(good) = load(2000) else {
            panic!("a load is a load")
        };
        let odd = Sample::Load(Load {
            ticked: Duration::from_secs(1),
            ..good
        });
        let row = Row::of(&ALL[0], System::Limit, &[odd]).unwrap();
        assert_eq!(
            row.notes,
            ["user and system time differ from the scheduler's by 50 %"]
        );
    }

    #[test]
    fn no_round_is_no_row() {
        assert!(Row::of(&ALL[0], System::Limit, &[]).is_none());
    }
}
