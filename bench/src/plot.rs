//! The fan-out rows as a picture: CPU time per million deliveries, a block of bars for each case,
//! on a logarithmic scale.
//!
//! The picture is a file of its own that pages include as an image, so it brings its colors for
//! light and dark pages.

use std::fmt::Write as _;

use crate::case::Kind;
use crate::report::Report;
use crate::sample::Row;
use crate::system::System;

const NAMESPACE: &str = "http://www.w3.org/2000/svg";
const TITLE: &str = "CPU-seconds of the server per million deliveries";
const WIDTH: f64 = 840.0;
/// Where bars begin: behind the names of the systems.
const LEFT: f64 = 140.0;
/// Where the scale ends: before the figures of the longest bars.
const RIGHT: f64 = 690.0;
const TOP: f64 = 64.0;
const BAR: f64 = 16.0;
const STEP: f64 = 21.0;
/// Between two blocks, with the title of the second one.
const BLOCK: f64 = 38.0;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .case { font-weight: 600 }
  .scale { font-size: 11px; fill: #6e7781 }
  .grid { stroke: #6e7781; stroke-opacity: .3 }
  .tautline { fill: #0969da } .limit { fill: #8c959f } .peer { fill: #d4a72c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .scale { fill: #8d96a0 }
    .tautline { fill: #4493f8 } .limit { fill: #6e7681 } .peer { fill: #bb8009 }
  }
";

/// The picture, or nothing when no fan-out was measured.
pub(crate) fn svg(report: &Report) -> Option<String> {
    let rows: Vec<(&Row, f64)> = report
        .rows
        .iter()
        .filter(|row| matches!(row.case.kind, Kind::FanOut(_)))
        .filter_map(|row| Some((row, row.cpu_s_per_million()?)))
        .collect();
    let least = rows.iter().map(|(_, cpu)| *cpu).reduce(f64::min)?;
    let most = rows.iter().map(|(_, cpu)| *cpu).reduce(f64::max)?;
    let scale = Scale {
        first: (least.log10() - 0.3).floor(),
        last: most.log10().ceil(),
    };
    let mut bars = String::new();
    let mut y = TOP;
    let mut case = "";
    for (row, cpu) in rows {
        if case != row.case.name {
            case = row.case.name;
            y += BLOCK;
            let baseline = y - 8.0;
            line(
                &mut bars,
                &format!(r#"<text class="case" x="{LEFT}" y="{baseline}">{case}</text>"#),
            );
        }
        bar(&mut bars, report, &scale, (row, cpu, y));
        y += STEP;
    }
    let height = y + 30.0;
    let mut picture = String::new();
    line(
        &mut picture,
        &format!(
            r#"<svg xmlns="{NAMESPACE}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{TITLE}">"#
        ),
    );
    line(&mut picture, &format!("<style>{STYLE}</style>"));
    line(
        &mut picture,
        &format!(r#"<text class="title" x="20" y="28">{TITLE}</text>"#),
    );
    let explanation = format!(
        "shorter is better · logarithmic · {} · {}",
        report.machine.cpu, report.machine.kernel
    );
    line(
        &mut picture,
        &format!(
            r#"<text class="scale" x="20" y="48">{}</text>"#,
            escaped(&explanation)
        ),
    );
    grid(&mut picture, &scale, y);
    picture.push_str(&bars);
    line(&mut picture, "</svg>");
    Some(picture)
}

/// Powers of ten, from the left end of the bars to the right one.
struct Scale {
    first: f64,
    last: f64,
}

impl Scale {
    fn x(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (value.log10() - self.first) / (self.last - self.first).max(1.0)
    }
}

fn grid(picture: &mut String, scale: &Scale, bottom: f64) {
    let mut power = scale.first;
    while power <= scale.last {
        let value = 10_f64.powf(power);
        let x = scale.x(value);
        let label = bottom + 16.0;
        line(
            picture,
            &format!(r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}"/>"#),
        );
        line(
            picture,
            &format!(
                r#"<text class="scale" x="{x:.1}" y="{label}" text-anchor="middle">{value} s</text>"#
            ),
        );
        power += 1.0;
    }
}

fn bar(bars: &mut String, report: &Report, scale: &Scale, (row, cpu, y): (&Row, f64, f64)) {
    let class = match row.system {
        System::Tautline | System::Engine => "tautline",
        System::Limit | System::LimitCoalesced | System::Sqlite => "limit",
        System::NodeWs | System::SocketIo | System::Centrifugo => "peer",
    };
    let (name, end) = (row.system.name(), scale.x(cpu));
    let (text, width) = (y + BAR - 3.5, (end - LEFT).max(1.0));
    let ratio = match report.ratio(row, System::LimitCoalesced) {
        Some(ratio) if row.system != System::LimitCoalesced => format!(" · {ratio:.1} × coalesced"),
        _ => String::new(),
    };
    line(
        bars,
        &format!(
            r#"<text x="{}" y="{text}" text-anchor="end">{name}</text>"#,
            LEFT - 8.0
        ),
    );
    line(
        bars,
        &format!(
            r#"<rect class="{class}" x="{LEFT}" y="{y}" width="{width:.1}" height="{BAR}" rx="2"/>"#
        ),
    );
    line(
        bars,
        &format!(
            r#"<text x="{:.1}" y="{text}">{cpu:.3}{ratio}</text>"#,
            end + 6.0
        ),
    );
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes whatever is written to it");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
