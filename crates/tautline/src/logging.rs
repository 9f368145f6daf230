//! Structured logs on standard error: for people in a terminal, JSON otherwise.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// Names the level of the log, or the levels of its parts, in the environment.
const ENV: &str = "TAUTLINE_LOG";

/// Begins to log. `info` and above, unless the environment says otherwise.
pub(crate) fn start() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var(ENV)
        .from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    if io::stderr().is_terminal() {
        subscriber
            .with_ansi(std::env::var_os("NO_COLOR").is_none())
            .init();
    } else {
        let json = subscriber.json().flatten_event(true);
        json.with_writer(|| Visible(io::stderr())).init();
    }
}

/// Writes lines of JSON in which nothing is hidden. JSON itself escapes the control characters of ASCII;
/// terminals and viewers obey more than those, and names are chosen by strangers.
struct Visible<W>(W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match str::from_utf8(line) {
            Ok(text) if text.contains(is_obeyed) => self.0.write_all(visible(text).as_bytes())?,
            _ => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The same JSON: such characters stand in strings only.
fn visible(json: &str) -> String {
    json.chars().fold(String::new(), |mut text, character| {
        if is_obeyed(character) {
            write!(text, "\\u{:04x}", u32::from(character)).expect("a String takes everything");
        } else {
            text.push(character);
        }
        text
    })
}

/// Control characters beyond those of JSON, ends of lines, and what turns text around.
fn is_obeyed(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Says something to the person who started the process, before or beside the log.
pub(crate) fn tell(lines: &str) {
    // Nobody is left to be told that standard error is gone.
    drop(writeln!(io::stderr(), "{lines}"));
}
