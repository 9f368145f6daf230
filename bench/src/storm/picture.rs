//! Who comes when, as a picture: a strip for each policy, all with the same axes.
//!
//! The picture is a file of its own that pages include as an image, so it brings its colors for light and dark pages.

use std::fmt::Write as _;

use super::bins::{BIN, Bins};
use super::row::Row;

const NAMESPACE: &str = "http://www.w3.org/2000/svg";
const TITLE: &str = "Connects per 100 ms after the server was struck";
const WIDTH: f64 = 900.0;
/// Where strips begin: behind the names.
const LEFT: f64 = 150.0;
/// Where they end: before the figures.
const RIGHT: f64 = 700.0;
const TOP: f64 = 78.0;
const STRIP: f64 = 60.0;
const STEP: f64 = 78.0;
/// Between two cases, with the title of the second one.
const BLOCK: f64 = 62.0;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .case { font-weight: 600 }
  .scale { font-size: 11px; fill: #57606a }
  .grid { stroke: #6e7781; stroke-opacity: .3 }
  .outage { fill: #6e7781; fill-opacity: .16 }
  .dials { fill: #d4a72c } .enters { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .scale { fill: #9198a1 }
    .dials { fill: #bb8009 } .enters { fill: #4493f8 }
  }
";

/// The picture, or nothing when no crowd was struck.
pub(crate) fn svg(rows: &[Row]) -> Option<String> {
    rows.first()?;
    let (mut strips, mut y) = (String::new(), TOP);
    for (nth, block) in rows
        .chunk_by(|one, next| one.ordeal.name == next.ordeal.name)
        .enumerate()
    {
        if nth > 0 {
            y += BLOCK;
        }
        let scale = Scale::of(block);
        for row in block {
            strip(&mut strips, &scale, (row, y));
            y += STEP;
        }
        seconds(&mut strips, &scale, y - STEP + STRIP);
        let first = y - STEP * block.len() as f64;
        title(&mut strips, block, first - 10.0);
    }
    let height = y + 24.0;
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
        &format!(r#"<text class="title" x="20" y="26">{TITLE}</text>"#),
    );
    legend(&mut picture);
    picture.push_str(&strips);
    line(&mut picture, "</svg>");
    Some(picture)
}

/// The axes that the strips of one case share.
struct Scale {
    seconds: f64,
    /// Powers of ten.
    powers: f64,
}

impl Scale {
    fn of(block: &[Row]) -> Self {
        let bins = block.iter().map(|row| row.connects.attempts.0.len()).max();
        let most = block.iter().flat_map(|row| &row.connects.attempts.0).max();
        let most = f64::from(most.copied().unwrap_or(1).max(10));
        let seconds = bins.unwrap_or(1) as f64 * BIN.as_secs_f64();
        Self {
            seconds: (seconds / 5.0).ceil() * 5.0,
            powers: most.log10().ceil(),
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * seconds / self.seconds
    }

    /// The height of a count; one is a little more than none.
    fn height(&self, count: u32) -> f64 {
        let power = f64::from(count).max(0.5).log10() - 0.5_f64.log10();
        STRIP * power / (self.powers - 0.5_f64.log10())
    }
}

fn title(out: &mut String, block: &[Row], y: f64) {
    let Some(row) = block.first() else {
        return;
    };
    let text = format!(
        "{} · {} clients, and a new server after {:.1} s",
        row.ordeal.name,
        row.clients,
        row.up.as_secs_f64()
    );
    line(
        out,
        &format!(r#"<text class="case" x="{LEFT}" y="{y}">{text}</text>"#),
    );
}

fn legend(out: &mut String) {
    for (x, class, text) in [
        (20.0, "dials", "attempts"),
        (110.0, "enters", "of them, who came in"),
        (
            270.0,
            "outage",
            "before the new server; the figures are of what follows, heights are logarithmic",
        ),
    ] {
        line(
            out,
            &format!(r#"<rect class="{class}" x="{x}" y="36" width="10" height="10"/>"#),
        );
        line(
            out,
            &format!(
                r#"<text class="scale" x="{}" y="45">{text}</text>"#,
                x + 15.0
            ),
        );
    }
}

fn strip(out: &mut String, scale: &Scale, (row, y): (&Row, f64)) {
    let base = y + STRIP;
    let (up, end) = (scale.x(row.up.as_secs_f64()), RIGHT + 12.0);
    line(
        out,
        &format!(
            r#"<rect class="outage" x="{LEFT}" y="{y}" width="{:.1}" height="{STRIP}"/>"#,
            (up - LEFT).max(1.0)
        ),
    );
    let mut count = 1_u32;
    while scale.height(count) <= STRIP {
        let at = base - scale.height(count);
        line(
            out,
            &format!(r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1}" y2="{at:.1}"/>"#),
        );
        if count > 1 {
            line(
                out,
                &format!(
                    r#"<text class="scale" x="{}" y="{:.1}" text-anchor="end">{count}</text>"#,
                    LEFT - 6.0,
                    at + 4.0
                ),
            );
        }
        count = count.saturating_mul(10);
    }
    for (class, bins) in [
        ("dials", &row.connects.attempts),
        ("enters", &row.connects.entered),
    ] {
        let bars = bars(scale, bins, base);
        line(out, &format!(r#"<path class="{class}" d="{bars}"/>"#));
    }
    line(
        out,
        &format!(
            r#"<text x="20" y="{:.1}">{}</text>"#,
            y + 14.0,
            row.policy.name
        ),
    );
    for (nth, text) in figures(row).into_iter().enumerate() {
        let at = y + 14.0 + 17.0 * nth as f64;
        line(
            out,
            &format!(r#"<text class="scale" x="{end}" y="{at:.1}">{text}</text>"#),
        );
    }
}

/// What stands beside a strip.
fn figures(row: &Row) -> [String; 3] {
    let crowding = row.crowding();
    let back = match row.back_by(0.99) {
        Some(back) => format!("99 % back after {:.1} s", back.as_secs_f64()),
        None => format!(
            "only {:.0} % came back",
            100.0 * row.back.len() as f64 / row.clients as f64
        ),
    };
    [
        back,
        format!(
            "fullest bin {} = {:.1} × mean",
            crowding.most,
            crowding.ratio()
        ),
        format!("{:.1} attempts each", row.attempts_each()),
    ]
}

/// One path with a bar for each bin.
fn bars(scale: &Scale, bins: &Bins, base: f64) -> String {
    let mut path = String::new();
    for (nth, count) in bins.0.iter().enumerate().filter(|(_, count)| **count > 0) {
        let begin = scale.x(nth as f64 * BIN.as_secs_f64());
        let width = scale.x(BIN.as_secs_f64()) - LEFT;
        let height = scale.height(*count);
        write!(
            path,
            "M{begin:.1} {base:.1}v-{height:.1}h{width:.2}v{height:.1}z"
        )
        .expect("a string takes whatever is written to it");
    }
    path
}

fn seconds(out: &mut String, scale: &Scale, base: f64) {
    let mut second = 0.0;
    while second <= scale.seconds {
        let x = scale.x(second);
        line(
            out,
            &format!(
                r#"<text class="scale" x="{x:.1}" y="{:.1}" text-anchor="middle">{second} s</text>"#,
                base + 15.0
            ),
        );
        second += 5.0;
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes whatever is written to it");
}
