//! The audit log: what is written, what is found when it is touched, and what follows when it is lost.

mod loss;
mod reading;
mod rows;
mod tampering;

use std::fs;
use std::path::{Path, PathBuf};

use super::harness::{Client, Server};

const ROOMS: &str = "[[room]]\nmatch = \"open\"\nhistory = 10\neveryone = [\"join\", \"publish\", \"history\"]\n\
                     [[room]]\nmatch = \"told\"\nhistory = 10\naudit_payloads = true\neveryone = [\"join\", \"publish\", \"history\"]";

/// Far more than fill the files of any test.
const PUBLICATIONS_MAX: usize = 20_000;

/// The lines of a configuration that writes an audit log there, with these lines too, and lets a client
/// publish as fast as it can.
fn audited(directory: &Path, more: &str) -> String {
    format!("[audit]\ndirectory = {directory:?}\n{more}\n[limits]\npublish_rate = \"off\"\n")
}

/// Has a client publish so many messages, each of which is told to it.
fn publish(client: &mut Client, room: &str, count: usize) {
    for number in 0..count {
        client.chat(room, &format!("message {number}"));
        client.next_of("chat");
    }
}

/// A server of development mode that has written so many publications there and has ended.
fn written(directory: &Path, more: &str, count: usize) {
    let mut server = Server::development(&audited(directory, more));
    let (mut client, _) = Client::member(server.address(), "room");
    publish(&mut client, "room", count);
    client.close();
    end(&mut server);
}

/// A server of development mode that has written small files there, as many as that, and has ended. Gives
/// how much was published.
fn written_files(directory: &Path, more: &str, newest: u32) -> usize {
    let config = audited(directory, &format!("max_bytes = 65536\n{more}"));
    let mut server = Server::development(&config);
    let (mut client, _) = Client::member(server.address(), "room");
    let mut count = 0;
    let newest = directory.join(format!("audit-{newest:08}.sqlite"));
    // The file itself may be deleted already, behind later ones.
    while files(directory).last() < Some(&newest) {
        assert!(count < PUBLICATIONS_MAX, "the files grow and grow");
        publish(&mut client, "room", 50);
        count += 50;
    }
    client.close();
    end(&mut server);
    count
}

/// The files of a log, oldest first.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sqlite")
        })
        .collect();
    files.sort();
    files
}

fn end(server: &mut Server) {
    server.terminate();
    let (status, lines) = server.ended();
    assert!(status.success(), "{lines:?}");
}
