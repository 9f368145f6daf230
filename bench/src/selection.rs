//! Which cases are measured: what `--case` says.

use crate::attack::{self, Plan};
use crate::case::{self, Case};
use crate::storm::{self, Ordeal};

/// A case's name, or the beginning of several names followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Takes a word for a pattern, if it matches anything.
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        let pattern = Self(word.to_owned());
        if names().any(|name| pattern.matches(name)) {
            return Ok(pattern);
        }
        Err("no case has this name; `--help` lists them".to_owned())
    }

    fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.0,
        }
    }
}

/// The cases that are asked for; all of them if nothing is.
pub(crate) fn cases(asked: &[Pattern]) -> Vec<&'static Case> {
    let is_asked = |case: &&Case| asked.is_empty() || is_among(asked, case.name);
    case::ALL.iter().filter(is_asked).collect()
}

/// The attacks that are asked for; none if nothing is.
pub(crate) fn attacks(asked: &[Pattern]) -> Vec<&'static Plan> {
    let is_asked = |plan: &&Plan| is_among(asked, plan.name);
    attack::ALL.iter().filter(is_asked).collect()
}

/// What crowds are asked to endure; nothing if nothing is.
pub(crate) fn ordeals(asked: &[Pattern]) -> Vec<&'static Ordeal> {
    let is_asked = |ordeal: &&Ordeal| is_among(asked, ordeal.name);
    storm::ALL.iter().filter(is_asked).collect()
}

/// The end of the help: every name there is.
pub(crate) fn help() -> String {
    let attacks: Vec<_> = attack::ALL.iter().map(|plan| plan.name).collect();
    let ordeals: Vec<_> = storm::ALL.iter().map(|ordeal| ordeal.name).collect();
    format!(
        "Cases: {}\n\nAttacks: {}\n\nOutages: {}",
        case::names().join(", "),
        attacks.join(", "),
        ordeals.join(", ")
    )
}

fn is_among(asked: &[Pattern], name: &str) -> bool {
    asked.iter().any(|pattern| pattern.matches(name))
}

fn names() -> impl Iterator<Item = &'static str> {
    let attacks = attack::ALL.iter().map(|plan| plan.name);
    let ordeals = storm::ALL.iter().map(|ordeal| ordeal.name);
    case::names().into_iter().chain(attacks).chain(ordeals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Vec<Pattern> {
        let patterns = words.iter().map(|word| Pattern::parse(word).unwrap());
        patterns.collect()
    }

    #[test]
    fn attacks_are_measured_when_they_are_asked_for() {
        assert!(attacks(&[]).is_empty());
        assert_eq!(cases(&[]).len(), case::ALL.len());
        assert_eq!(attacks(&asked(&["attack-*"])).len(), attack::ALL.len());
        assert!(cases(&asked(&["attack-*"])).is_empty());
        let one = attacks(&asked(&["echo", "attack-pings"]));
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn outages_are_endured_when_they_are_asked_for() {
        assert!(ordeals(&[]).is_empty());
        assert_eq!(
            ordeals(&asked(&["storm*", "drain"])).len(),
            storm::ALL.len()
        );
        assert!(cases(&asked(&["storm*"])).is_empty());
    }

    #[test]
    fn a_name_that_nothing_has_is_refused() {
        for word in ["", "ech", "attack", "nothing-*"] {
            assert!(Pattern::parse(word).is_err(), "{word}");
        }
    }
}
