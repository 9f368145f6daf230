//! Runs every golden vector of `protocol/vectors/v1`. Their format is told in `protocol/README.md`.

#[cfg(test)]
mod client;
#[cfg(test)]
mod model;
#[cfg(test)]
mod server;
#[cfg(test)]
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Runs all vectors of one kind; a kind without vectors is a mistake.
#[cfg(test)]
fn run(kind: &str, vector: fn(&Value)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol/vectors/v1");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut count = 0;
    for path in files {
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let known = ["client", "server", "transcript"];
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
    run("client", client::check);
}

#[test]
fn server_messages_are_encoded_as_written() {
    run("server", server::check);
}

#[test]
fn sessions_do_what_the_transcripts_say() {
    run("transcript", transcript::check);
}
