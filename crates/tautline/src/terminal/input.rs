//! What a command is to send: one value of JSON, or one for each line of standard input.

use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::failure::Failure;

/// No value is longer: no server takes as much in one message.
pub(super) const DATA_BYTES_MAX: usize = 512 * 1024;
/// So many lines are read ahead.
const LINES_MAX: usize = 64;

/// A line of standard input.
#[derive(Debug)]
pub(super) struct Line {
    /// Counts all lines, from 1.
    pub(super) number: u64,
    pub(super) data: Box<RawValue>,
}

/// The value of an argument, or of standard input if that is `-`.
pub(super) fn value(argument: &str) -> Result<Box<RawValue>, Failure> {
    if argument != "-" {
        return parse(argument);
    }
    let mut text = String::new();
    let most = u64::try_from(DATA_BYTES_MAX).unwrap_or(u64::MAX);
    let read = io::stdin()
        .lock()
        .take(most + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if read > DATA_BYTES_MAX {
        return Err(too_long());
    }
    parse(&text)
}

/// The lines of standard input that are not empty. The first that is wrong is the last.
pub(super) fn lines() -> Receiver<Result<Line, Failure>> {
    let (lines, receiver) = channel(LINES_MAX);
    // It may wait for a line for as long as it likes: the process does not wait for it.
    thread::spawn(move || read(BufReader::new(io::stdin()), &lines));
    receiver
}

fn read(mut source: impl BufRead, lines: &Sender<Result<Line, Failure>>) {
    let most = u64::try_from(DATA_BYTES_MAX).unwrap_or(u64::MAX);
    for number in 1.. {
        let mut text = String::new();
        let line = match (&mut source).take(most + 1).read_line(&mut text) {
            Ok(0) => return,
            Ok(read) if read > DATA_BYTES_MAX => Err(too_long()),
            Ok(_) if text.trim().is_empty() => continue,
            Ok(_) => parse(&text).map(|data| Line { number, data }),
            Err(error) => Err(Failure::usage(format!("cannot be read: {error}"))),
        };
        let line = line.map_err(|failure| {
            Failure::usage(format!(
                "line {number} of standard input: {}",
                failure.message
            ))
        });
        let is_wrong = line.is_err();
        if lines.blocking_send(line).is_err() || is_wrong {
            return;
        }
    }
}

fn parse(text: &str) -> Result<Box<RawValue>, Failure> {
    serde_json::from_str(text.trim()).map_err(|error| {
        Failure::usage(format!(
            "this is not one value of JSON ({error}); a text needs quotes of its own, like '\"hello\"'"
        ))
    })
}

fn too_long() -> Failure {
    Failure::usage(format!("this is longer than {DATA_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Vec<Result<(u64, String), String>> {
        let (lines, mut receiver) = channel(LINES_MAX);
        read(text.as_bytes(), &lines);
        drop(lines);
        std::iter::from_fn(|| receiver.blocking_recv())
            .map(|line| {
                line.map(|line| (line.number, line.data.get().to_owned()))
                    .map_err(|failure| failure.message)
            })
            .collect()
    }

    #[test]
    fn lines_are_values_and_the_first_that_is_none_is_the_last() {
        let found = read_all("1\n\n {\"a\": 2} \r\nthree\n4\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], Ok((1, "1".to_owned())));
        assert_eq!(found[1], Ok((3, "{\"a\": 2}".to_owned())));
        let wrong = found[2].as_ref().unwrap_err();
        assert!(
            wrong.starts_with("line 4 of standard input: this is not one value of JSON"),
            "{wrong}"
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_read_forever() {
        let found = read_all(&format!("\"{}", "a".repeat(2 * DATA_BYTES_MAX)));
        let wrong = found[0].as_ref().unwrap_err();
        assert!(wrong.contains("longer than 524288 bytes"), "{wrong}");
        assert_eq!(found.len(), 1);
    }
}
