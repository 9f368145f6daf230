//! A server of which everything is seen: its log, its figures, and its audit log.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use serde_json::{Value, json};
use tautline_protocol::wire::CloseCode;

use super::{Directory, HANG, Server, Trail};

/// A server that says in all these places whom it turns away.
pub(crate) struct Watched {
    // Ends before its directory is deleted.
    server: Server,
    directory: Directory,
}

impl Watched {
    /// In development mode.
    pub(crate) fn development(config: &str) -> Self {
        Self::start(config, &["--dev"])
    }

    /// Configured to be used.
    pub(crate) fn production(config: &str) -> Self {
        Self::start(config, &[])
    }

    fn start(config: &str, arguments: &[&str]) -> Self {
        let directory = Directory::new();
        let config = format!("{config}\n[audit]\ndirectory = {:?}\n", &*directory);
        let server = Server::start(&config, arguments, "debug");
        Self { server, directory }
    }

    /// Waits until so many handshakes were refused for this cause, and finds them everywhere.
    pub(crate) fn assert_refused(&mut self, cause: &str, count: usize) {
        self.wait_for("handshake refused", count, |record| {
            record["cause"] == cause
        });
        let metric = format!("tautline_handshakes_refused_total{{cause=\"{cause}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
        self.assert_rows(&["refused", "auth_failed"], count, |row| {
            row["detail"]["refusal"] == cause && row["address"].is_string()
        });
    }

    /// Waits until connections were refused something so often, and finds that everywhere.
    pub(crate) fn assert_denied(&mut self, refusal: &str, count: usize) {
        self.wait_for("denied", count, |record| record["refusal"] == refusal);
        let metric = format!("tautline_denials_total{{refusal=\"{refusal}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
        self.assert_rows(&["denied", "auth_failed"], count, |row| {
            row["detail"]["refusal"] == refusal && row["connection"].is_string()
        });
    }

    /// Waits until the server has ended so many connections with this code, and finds them everywhere.
    pub(crate) fn assert_ended(&mut self, code: u16, count: usize) {
        self.wait_for("ended", count, |record| {
            record["by"] == "Server" && record["code"] == code
        });
        let name = CloseCode::all().find(|known| known.number() == code);
        let name = name.unwrap().name();
        let metric = format!("tautline_endings_total{{by=\"server\",code=\"{name}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
        self.assert_rows(&["ended"], count, |row| {
            (&row["detail"]["by"], &row["detail"]["code"]) == (&json!("server"), &json!(code))
        });
    }

    /// Waits for so many records of the log. What is observed is counted before it is logged.
    pub(crate) fn wait_for(
        &mut self,
        message: &str,
        count: usize,
        is_meant: impl Fn(&Value) -> bool,
    ) {
        let mut seen = 0;
        self.find(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            seen += usize::from(record["message"] == message && is_meant(&record));
            (seen == count).then_some(())
        });
    }

    /// What operators read now.
    pub(crate) fn figure(&mut self, metric: &str) -> usize {
        self.operators().figure(metric)
    }

    /// Waits until the audit log tells so often of what is meant, in rows of these kinds, and never more. It
    /// is written behind what happens, and one row may tell of several times.
    fn assert_rows(&self, kinds: &[&str], count: usize, is_meant: impl Fn(&Value) -> bool) {
        let trail = Trail::at(&self.directory);
        let begin = Instant::now();
        loop {
            let rows = kinds.iter().flat_map(|kind| trail.query(&["--kind", kind]));
            let times = |row: &Value| row["detail"]["times"].as_u64().unwrap_or(1);
            let found: u64 = rows.filter(&is_meant).map(|row| times(&row)).sum();
            let found = usize::try_from(found).unwrap();
            assert!(found <= count, "{found} times {kinds:?}, not {count}");
            if found == count {
                return;
            }
            assert!(begin.elapsed() < HANG, "{found} times {kinds:?}");
        }
    }
}

impl Deref for Watched {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Watched {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}
