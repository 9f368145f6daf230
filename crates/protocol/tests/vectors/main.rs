//! Runs every golden vector of `protocol/vectors`. Their format is told in `protocol/README.md`.

#[cfg(test)]
mod client;
#[cfg(test)]
mod model;
#[cfg(test)]
mod server;
#[cfg(test)]
mod transcript;
#[cfg(test)]
mod v2;
#[cfg(test)]
mod v2_transcript;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The kinds of vectors of each version.
const KINDS: [(&str, &[&str]); 2] = [
    ("v1", &["client", "server", "transcript"]),
    (
        "v2",
        &["client", "server", "accepted", "refused", "transcript"],
    ),
];

/// Runs all vectors of one kind; a kind without vectors is a mistake.
#[cfg(test)]
fn run(version: &str, kind: &str, vector: fn(&Value)) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol/vectors");
    let folder = vectors.join(version);
    let (_, known) = KINDS.iter().find(|(it, _)| *it == version).unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut count = 0;
    for path in files {
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file_kind = model::text(&file, "kind");
        assert!(known.contains(&file_kind), "{}", path.display());
        if file_kind == kind {
            for each in file["vectors"].as_array().unwrap() {
                vector(each);
                count += 1;
            }
        }
    }
    assert!(count > 0, "no {kind} vectors");
}

#[test]
fn client_messages_are_parsed_or_refused_as_written() {
    run("v1", "client", client::check);
}

#[test]
fn server_messages_are_encoded_as_written() {
    run("v1", "server", server::check);
}

#[test]
fn sessions_do_what_the_transcripts_say() {
    run("v1", "transcript", transcript::check);
}

#[test]
fn v2_client_messages_are_the_same_in_both_encodings() {
    run("v2", "client", v2::check_client);
}

#[test]
fn v2_server_messages_are_the_same_in_both_encodings() {
    run("v2", "server", v2::check_server);
}

#[test]
fn v2_messages_are_read_in_every_way_they_may_be_written() {
    run("v2", "accepted", v2::check_accepted);
}

#[test]
fn what_is_no_v2_message_is_refused_as_written() {
    run("v2", "refused", v2::check_refused);
}

#[test]
fn v2_sessions_do_what_the_transcripts_say() {
    run("v2", "transcript", v2_transcript::check);
}
