//! The tables of codes, and the page that is made from them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use tautline_protocol::wire::code::{CloseCode, ErrorCode, Retry, reference};

#[test]
fn the_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/codes.md");
    let current = reference();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "docs/reference/codes.md is stale; run: \
         UPDATE_GENERATED=1 cargo test -p tautline-protocol --test codes"
    );
}

#[test]
fn the_close_codes_are_those_of_the_protocol() {
    let numbers: Vec<u16> = CloseCode::all().map(CloseCode::number).collect();
    let protocol = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 4400, 4401, 4403, 4408, 4409, 4410,
        4426, 4429,
    ];
    assert_eq!(numbers, protocol);
}

#[test]
fn every_close_code_has_one_row_and_a_reason_that_fits() {
    let mut names = HashSet::new();
    for code in CloseCode::all() {
        assert!(names.insert(code.name()), "{} twice", code.name());
        assert!((1..=123).contains(&code.reason().len()), "{code:?}");
        assert!(!code.meaning().is_empty() && !code.client().is_empty());
    }
}

#[test]
fn what_a_client_does_agrees_with_what_it_is_told() {
    for code in CloseCode::all() {
        let words = code.client();
        let agree = match code.retry() {
            Retry::Always => words.contains("retry"),
            Retry::ThreeTimes => words.contains("after 3 in a row"),
            Retry::NewToken => words.contains("new token once"),
            Retry::Never => words.contains("final") && !words.contains("retry"),
        };
        assert!(agree, "{code:?}: {words}");
    }
}

#[test]
fn the_error_codes_are_those_of_the_registry() {
    let names: Vec<&str> = ErrorCode::all().map(ErrorCode::name).collect();
    let registry = "unauthorized forbidden bad_request invalid_payload not_joined unknown_method \
                    too_large rate_limited limit_exceeded conflict timeout unavailable unsupported \
                    internal";
    assert_eq!(names, registry.split_whitespace().collect::<Vec<_>>());
    for code in ErrorCode::all() {
        assert!(!code.meaning().is_empty());
    }
    let retryable: Vec<&str> = ErrorCode::all()
        .filter(|code| code.retryable())
        .map(ErrorCode::name)
        .collect();
    assert_eq!(
        retryable,
        ["rate_limited", "timeout", "unavailable", "internal"]
    );
}
