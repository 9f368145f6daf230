//! What was written, layer over layer: the defaults, the file, the environment.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use tautline_protocol::model::Rate;
use toml::Value;

use super::rate;
use super::setting::{Kind, SETTINGS, Setting};

/// Variables that look like ours and are read elsewhere: whoever sets them for `tautline sub` can still run the server.
const OF_OTHERS: [&str; 3] = ["TAUTLINE_LOG", "TAUTLINE_TOKEN", "TAUTLINE_URL"];

/// Everything that is wrong, each with key, value and fix.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<String>);

impl Faults {
    pub(super) fn add(&mut self, key: &str, value: impl Display, fix: &str) {
        let fault = format!("{key} = {value}: {fix}");
        // A value that is asked for twice is wrong once.
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// Tells of a key that nobody knows.
    pub(super) fn unknown(&mut self, key: &str, known: &[Setting]) {
        let nearest = nearest(key, known.iter().map(|setting| setting.key));
        let hint = nearest.map_or_else(String::new, |key| format!("; did you mean `{key}`?"));
        self.0
            .push(format!("{key}: there is no such setting{hint}"));
    }
}

/// The values of one table of settings.
#[derive(Debug)]
pub(super) struct Values {
    settings: &'static [Setting],
    /// Before the key in what is told.
    prefix: &'static str,
    written: BTreeMap<String, Value>,
}

impl Values {
    /// The values of a file's table, its sections joined to the keys.
    pub(super) fn new(
        settings: &'static [Setting],
        prefix: &'static str,
        table: toml::Table,
        faults: &mut Faults,
    ) -> Self {
        let mut written = BTreeMap::new();
        for (name, value) in table {
            if let Value::Table(section) = value {
                let keys = section.into_iter();
                written.extend(keys.map(|(key, value)| (format!("{name}.{key}"), value)));
            } else {
                written.insert(name, value);
            }
        }
        written.retain(|key, _| {
            let known = settings.iter().any(|setting| setting.key == key);
            if !known {
                faults.unknown(&format!("{prefix}{key}"), settings);
            }
            known
        });
        Self {
            settings,
            prefix,
            written,
        }
    }

    /// Lays the environment over what the file says. A variable that is none of ours but nearly one is
    /// told of; others may be there for other reasons.
    pub(super) fn overlay(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
        faults: &mut Faults,
    ) {
        let names: Vec<(String, &Setting)> = SETTINGS
            .iter()
            .map(|setting| (setting.variable(), setting))
            .collect();
        let is_meant = |(variable, text): &(String, String)| {
            !text.is_empty() && !OF_OTHERS.contains(&variable.as_str())
        };
        for (variable, text) in variables.filter(is_meant) {
            if let Some((_, setting)) = names.iter().find(|(name, _)| *name == variable) {
                self.written
                    .insert(setting.key.to_owned(), from_text(setting.kind, &text));
            } else if let Some(right) =
                nearest(&variable, names.iter().map(|(name, _)| name.as_str()))
            {
                faults.0.push(format!(
                    "{variable}: there is no such setting; did you mean `{right}`?"
                ));
            }
        }
    }
}

/// What is asked of the values. One that is wrong is told of, and its default stands in, so that
/// everything that is wrong is found at once.
impl Values {
    /// Whether anything but the default is said of a key.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.written.contains_key(key)
    }

    /// Whether an empty text is said of a key.
    pub(super) fn is_empty_text(&self, key: &str) -> bool {
        self.written.get(key).and_then(Value::as_str) == Some("")
    }

    pub(super) fn switch(&self, key: &str, faults: &mut Faults) -> bool {
        self.get(key, faults, Value::as_bool).unwrap_or(false)
    }

    pub(super) fn number(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        self.get(key, faults, |value| u64::try_from(value.as_integer()?).ok())
    }

    pub(super) fn span(&self, key: &str, faults: &mut Faults) -> Duration {
        let read = |value: &Value| humantime::parse_duration(value.as_str()?).ok();
        self.get(key, faults, read).unwrap_or_default()
    }

    pub(super) fn text(&self, key: &str, faults: &mut Faults) -> Option<String> {
        self.get(key, faults, |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn words(&self, key: &str, faults: &mut Faults) -> Vec<String> {
        let word = |value: &Value| value.as_str().map(str::to_owned);
        self.get(key, faults, |value| {
            value.as_array()?.iter().map(word).collect()
        })
        .unwrap_or_default()
    }

    /// A rate; none where there is no limit.
    pub(super) fn rate(&self, key: &str, faults: &mut Faults) -> Option<Rate> {
        self.get(key, faults, |value| rate::parse(value.as_str()?).ok())
            .flatten()
    }

    pub(super) fn address(&self, key: &str, faults: &mut Faults) -> Option<SocketAddr> {
        self.get(key, faults, address)
    }

    pub(super) fn addresses(&self, key: &str, faults: &mut Faults) -> Vec<SocketAddr> {
        self.get(key, faults, |value| {
            value.as_array()?.iter().map(address).collect()
        })
        .unwrap_or_default()
    }

    /// What is written, if it is right, and the default otherwise.
    fn get<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let setting = self.settings.iter().find(|setting| setting.key == key)?;
        if let Some(written) = self.written.get(key) {
            let value = read(written).filter(|_| setting.kind.admits(written));
            if value.is_some() {
                return value;
            }
            let name = format!("{}{key}", self.prefix);
            let shown = if matches!(setting.kind, Kind::Secret | Kind::Hashes) {
                "…".to_owned()
            } else {
                written.to_string()
            };
            faults.add(&name, shown, &setting.kind.fix());
        }
        read(&setting.default()?)
    }
}

fn address(value: &Value) -> Option<SocketAddr> {
    value.as_str()?.parse().ok()
}

/// A value of the environment, in the file's terms. What does not fit stays text, and is told of later.
fn from_text(kind: Kind, text: &str) -> Value {
    let own = || Value::String(text.to_owned());
    match kind {
        Kind::Switch => text.parse().map_or_else(|_| own(), Value::Boolean),
        Kind::Number(_) => text.parse().map_or_else(|_| own(), Value::Integer),
        Kind::Words | Kind::Addresses | Kind::Hashes => Value::Array(
            text.split(',')
                .map(|word| Value::String(word.trim().to_owned()))
                .collect(),
        ),
        Kind::Span(_) | Kind::Rate | Kind::Address | Kind::Text | Kind::Secret => own(),
    }
}

/// The word that was most likely meant.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, nearest) = known.map(|known| (distance(word, known), known)).min()?;
    (distance <= 2 + word.len() / 6).then_some(nearest)
}

/// How many letters must be changed, added or left out to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(from != to);
            diagonal = *above;
            left = changed.min(left + 1).min(diagonal + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, variables: &[(&str, &str)]) -> (Values, Vec<String>) {
        let mut faults = Faults::default();
        let mut values = Values::new(SETTINGS, "", file.parse().unwrap(), &mut faults);
        let variables = variables
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        values.overlay(variables, &mut faults);
        (values, faults.0)
    }

    #[test]
    fn the_environment_lies_over_the_file_and_the_file_over_the_defaults() {
        let mut faults = Faults::default();
        let variables = [
            ("TAUTLINE_OUTBOX_BYTES", "4096"),
            ("TAUTLINE_SERVER_ALLOWED_ORIGINS", "http://a, http://b"),
        ];
        let (values, none) = read("outbox.bytes = 2048\noutbox.messages = 7", &variables);
        assert_eq!(values.number("outbox.bytes", &mut faults), Some(4096));
        assert_eq!(values.number("outbox.messages", &mut faults), Some(7));
        assert_eq!(
            values.span("drain.window", &mut faults),
            Duration::from_secs(10)
        );
        assert_eq!(
            values.words("server.allowed_origins", &mut faults),
            ["http://a", "http://b"]
        );
        assert_eq!((none.len(), faults.0.len()), (0, 0));
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let (_, faults) = read(
            "heartbeat.ping_evry = \"25s\"\nnonsense.entirely = 1",
            &[("TAUTLINE_OUTBOX_BYTE", "1")],
        );
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(
            faults
                .iter()
                .any(|fault| fault.contains("did you mean `heartbeat.ping_every`?"))
        );
        assert!(
            faults
                .iter()
                .any(|fault| fault.ends_with("there is no such setting"))
        );
        assert!(
            faults
                .iter()
                .any(|fault| fault.contains("did you mean `TAUTLINE_OUTBOX_BYTES`?"))
        );
    }

    #[test]
    fn a_variable_that_resembles_none_of_ours_is_left_alone() {
        let set_by_others = [
            ("TAUTLINE_PORT", "tcp://10.0.0.1:80"),
            ("TAUTLINE_SERVICE_HOST", "x"),
            ("PATH", "/bin"),
        ];
        assert_eq!(read("", &set_by_others).1, [] as [String; 0]);
    }

    #[test]
    fn a_wrong_value_is_told_of_and_its_default_stands_in() {
        for (file, key, fix) in [
            (
                "heartbeat.ping_every = \"49ms\"",
                "heartbeat.ping_every",
                "write 50ms or more",
            ),
            ("drain.window = 5", "drain.window", "write it like"),
            ("limits.fragments = 0", "limits.fragments", "1 or more"),
            (
                "compression.enabled = \"yes\"",
                "compression.enabled",
                "true or false",
            ),
            (
                "server.listen = [\"localhost\"]",
                "server.listen",
                "list of addresses",
            ),
        ] {
            let (values, mut faults) = (read(file, &[]).0, Faults::default());
            values.switch("compression.enabled", &mut faults);
            values.number("limits.fragments", &mut faults);
            values.span("drain.window", &mut faults);
            values.span("heartbeat.ping_every", &mut faults);
            values.addresses("server.listen", &mut faults);
            assert_eq!(faults.0.len(), 1, "{faults:?}");
            assert!(
                faults.0[0].starts_with(key) && faults.0[0].contains(fix),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn every_default_is_right() {
        for setting in SETTINGS
            .iter()
            .filter(|setting| !setting.default.is_empty())
        {
            let default = setting.default().expect(setting.key);
            assert!(setting.kind.admits(&default), "{}", setting.key);
        }
    }
}
