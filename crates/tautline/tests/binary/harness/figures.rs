//! What a server says of those whom it turned away: in its log, and then in its figures.

use serde_json::Value;
use tautline_protocol::wire::CloseCode;

use super::Server;

impl Server {
    /// A server in development mode that says all of it.
    pub(crate) fn watched(config: &str) -> Self {
        Self::logging(config, "debug")
    }

    /// A server that is configured to be used, and says all of it.
    pub(crate) fn watched_production(config: &str) -> Self {
        Self::start(config, &[], "debug")
    }

    /// Waits until so many handshakes were refused for this cause, and finds them counted.
    pub(crate) fn assert_refused(&mut self, cause: &str, count: usize) {
        self.wait_for("handshake refused", count, |record| {
            record["cause"] == cause
        });
        let metric = format!("tautline_handshakes_refused_total{{cause=\"{cause}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
    }

    /// Waits until connections were refused something so often, and finds that counted.
    pub(crate) fn assert_denied(&mut self, refusal: &str, count: usize) {
        self.wait_for("denied", count, |record| record["refusal"] == refusal);
        let metric = format!("tautline_denials_total{{refusal=\"{refusal}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
    }

    /// Waits until the server has ended so many connections with this code, and finds them counted.
    pub(crate) fn assert_ended(&mut self, code: u16, count: usize) {
        self.wait_for("ended", count, |record| {
            record["by"] == "Server" && record["code"] == code
        });
        let name = CloseCode::all().find(|known| known.number() == code);
        let name = name.unwrap().name();
        let metric = format!("tautline_endings_total{{by=\"server\",code=\"{name}\"}}");
        assert_eq!(self.figure(&metric), count, "{metric}");
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
}
