//! Rows as people and programs read them. What a client chose cannot steer a terminal or a spreadsheet.

use std::fmt::Write;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use super::row::{Kind, Row};
use crate::color::{DIM, GREEN, RED, RESET, YELLOW};
use crate::plain::{escape, escape_json};

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Aligned columns.
    Plain,
    /// The same, with color.
    Colored,
    /// One object of JSON per row.
    Json,
    /// Comma-separated values.
    Csv,
}

/// The names of the columns.
const COLUMNS: [&str; 9] = [
    "sequence",
    "time",
    "kind",
    "connection",
    "user",
    "address",
    "room",
    "detail",
    "hash",
];

/// How wide the columns of a table are at least; the detail is last and as wide as it is. The hash is not
/// for eyes.
const WIDTHS: [usize; 7] = [8, 24, 13, 28, 12, 15, 16];

impl Form {
    /// What stands above the rows.
    pub(super) fn begin(self, out: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Plain | Self::Colored => {
                let mut line = String::new();
                for (name, width) in COLUMNS.iter().zip(WIDTHS) {
                    pad(&mut line, name, width);
                }
                line.push_str("detail");
                self.paint(out, DIM, &line)?;
                writeln!(out)
            }
            Self::Json => Ok(()),
            Self::Csv => writeln!(out, "{}", COLUMNS.join(",")),
        }
    }

    /// A row.
    pub(super) fn row(self, out: &mut dyn io::Write, row: &Row) -> io::Result<()> {
        match self {
            Self::Plain | Self::Colored => self.line(out, row),
            Self::Json => writeln!(out, "{}", json(row)),
            Self::Csv => {
                let fields = texts(row).map(|text| csv(text.as_deref().unwrap_or_default()));
                writeln!(out, "{}", fields.join(","))
            }
        }
    }

    fn line(self, out: &mut dyn io::Write, row: &Row) -> io::Result<()> {
        let texts = texts(row);
        for ((text, width), name) in texts.iter().zip(WIDTHS).zip(COLUMNS) {
            let mut cell = String::new();
            pad(&mut cell, &escape(text.as_deref().unwrap_or("-")), width);
            let color = match name {
                "kind" => color(&row.entry.kind),
                "sequence" | "time" => DIM,
                _ => "",
            };
            self.paint(out, color, &cell)?;
        }
        let detail = match &*row.entry.detail {
            "{}" => String::new(),
            detail => escape(detail),
        };
        writeln!(out, "{detail}")
    }

    fn paint(self, out: &mut dyn io::Write, color: &str, text: &str) -> io::Result<()> {
        if self == Self::Colored && !color.is_empty() {
            write!(out, "{color}{text}{RESET}")
        } else {
            write!(out, "{text}")
        }
    }
}

/// A time as RFC 3339 has it, in UTC.
pub(super) fn time(milliseconds: u64) -> String {
    // The year 9999 is the last that RFC 3339 can say; a forged row may say more.
    let milliseconds = milliseconds.min(253_402_300_799_999);
    let time = UNIX_EPOCH + Duration::from_millis(milliseconds);
    humantime::format_rfc3339_millis(time).to_string()
}

/// The cells of a row, as [`COLUMNS`] names them.
fn texts(row: &Row) -> [Option<String>; 9] {
    let entry = &row.entry;
    [
        Some(row.sequence.to_string()),
        Some(time(entry.time)),
        Some(entry.kind.clone().into_owned()),
        entry.connection.clone(),
        entry.user.clone(),
        entry.address.clone(),
        entry.room.clone(),
        Some(entry.detail.clone()),
        Some(row.hash.to_string()),
    ]
}

fn color(kind: &str) -> &'static str {
    let is = |kinds: &[Kind]| kinds.iter().any(|known| known.name() == kind);
    if is(&[Kind::AuthFailed, Kind::Lost, Kind::Removed]) {
        RED
    } else if is(&[Kind::Denied, Kind::Refused]) {
        YELLOW
    } else if is(&[Kind::Connected, Kind::Authenticated, Kind::Started]) {
        GREEN
    } else {
        ""
    }
}

/// Fills up with blanks, and sets the next cell apart however long this one is.
fn pad(line: &mut String, cell: &str, width: usize) {
    write!(line, "{cell:width$}  ").expect("a String takes everything");
}

/// A row as an object of JSON. The detail stays as it was written, so that the hash can be computed again.
fn json(row: &Row) -> String {
    let mut object = String::from("{");
    for (name, text) in COLUMNS.iter().zip(texts(row)) {
        let value = match (*name, text) {
            (_, None) => "null".to_owned(),
            ("sequence", Some(number)) => number,
            ("time", Some(_)) => format!(
                "{},\"shown\":{}",
                row.entry.time,
                quoted(&time(row.entry.time))
            ),
            ("detail", Some(detail)) if is_object(&detail) => detail,
            (_, Some(text)) => quoted(&text),
        };
        let comma = if object.len() == 1 { "" } else { "," };
        write!(object, "{comma}\"{name}\":{value}").expect("a String takes everything");
    }
    object.push('}');
    escape_json(&object)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A forged row may say anything; as part of a line it must be an object and no more.
fn is_object(detail: &str) -> bool {
    let read = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(detail);
    read.is_ok() && !detail.contains('\n')
}

/// A field between quotes. A spreadsheet would take some beginnings for a formula.
fn csv(text: &str) -> String {
    let text = escape(text).replace('"', "\"\"");
    let guard = if text.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{text}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::chain::Hash;
    use crate::audit::row::Entry;
    use crate::plain::steers;

    fn detail() -> serde_json::Value {
        json!({"n": "\u{1b}\u{9b}"})
    }

    fn shown(form: Form, user: &str) -> String {
        let mut entry = Entry::new(1, Kind::Joined, &detail());
        entry.user = Some(user.to_owned());
        let hash = Hash([0; 32]);
        let row = Row {
            sequence: 7,
            entry,
            hash,
        };
        let mut out = Vec::new();
        form.row(&mut out, &row).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_client_chose_does_not_steer_a_terminal() {
        let user = "a\u{1b}[2J\nb\u{9b}c\u{202e}d\u{7f}";
        for form in [Form::Plain, Form::Json, Form::Csv] {
            let line = shown(form, user);
            let body = line.strip_suffix('\n').unwrap();
            assert!(!body.chars().any(steers), "{form:?}: {line:?}");
        }
    }

    #[test]
    fn json_says_exactly_what_the_row_says() {
        let user = "a\u{1b}\n\u{9b}\u{202e}\"\\é";
        let line = shown(Form::Json, user);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["user"], user);
        assert_eq!(value["sequence"], 7);
        assert_eq!(value["time"], 1);
        assert_eq!(value["shown"], "1970-01-01T00:00:00.001Z");
        assert_eq!(value["detail"], detail());
        let entry = Entry::new(1, Kind::Joined, &detail());
        assert!(line.contains(&entry.detail), "{line}");
        assert_eq!(value["room"], serde_json::Value::Null);
    }

    #[test]
    fn a_spreadsheet_computes_nothing() {
        let line = shown(Form::Csv, "=cmd|'/c calc'!\"A1\"");
        assert!(line.contains(r#""'=cmd|'/c calc'!""A1""""#), "{line}");
    }

    #[test]
    fn only_a_colored_form_has_color() {
        assert!(!shown(Form::Plain, "ann").contains('\x1b'));
        assert!(shown(Form::Colored, "ann").contains(DIM));
    }
}
