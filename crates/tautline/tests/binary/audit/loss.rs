//! The disk goes away or is full: that is told at once, what follows is as configured, and it ends by itself.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::super::harness::{Client, Directory, HANG, Operators, Process, Server, Trail};
use super::{PUBLICATIONS_MAX, audited, end, publish, written};

/// Waits until a figure is this.
fn await_figure(operators: &Operators, name: &str, figure: usize) {
    let begin = Instant::now();
    while operators.figure(name) != figure {
        assert!(begin.elapsed() < HANG, "{name} is never {figure}");
    }
}

/// A disk that comes and goes: a link to a directory, or to what can never be one.
struct Disk {
    link: Directory,
    directory: Directory,
}

impl Disk {
    fn new() -> Self {
        let disk = Self {
            link: Directory::new(),
            directory: Directory::new(),
        };
        fs::create_dir(&*disk.directory).unwrap();
        disk.put_back();
        disk
    }

    fn take_away(&self) {
        self.swap("/dev/null/nothing".as_ref());
    }

    fn put_back(&self) {
        self.swap(&self.directory);
    }

    /// Another directory is there from one moment to the next.
    fn swap(&self, target: &Path) {
        let next = self.link.with_extension("next");
        symlink(target, &next).unwrap();
        fs::rename(next, &*self.link).unwrap();
    }
}

#[test]
fn a_lost_log_is_told_of_and_goes_on_when_it_is_back() {
    let disk = Disk::new();
    let mut server = Server::development(&audited(&disk.link, ""));
    let operators = server.operators();
    assert_eq!(operators.figure("tautline_audit_lost"), 0);
    let (mut client, _) = Client::member(server.address(), "room");
    publish(&mut client, "room", 3);
    Trail::at(&disk.link).follow().next_of("published");

    disk.take_away();
    publish(&mut client, "room", 5);
    let record = server.record("the audit log cannot be written", |_| true);
    assert_eq!(record["level"], "ERROR");
    assert_eq!(operators.figure("tautline_audit_lost"), 1);
    publish(&mut client, "room", 5);

    disk.put_back();
    server.record("the audit log is written again", |_| true);
    publish(&mut client, "room", 2);
    client.close();
    end(&mut server);
    let trail = Trail::at(&disk.link);
    trail.whole(&[]);
    assert_eq!(trail.of_kind("published").len(), 15);
    assert_eq!(trail.of_kind("lost").len(), 0);
}

#[test]
fn a_lost_log_stops_publications_where_that_is_configured() {
    let disk = Disk::new();
    let mut server = Server::development(&audited(&disk.link, "on_loss = \"stop\""));
    let (mut client, _) = Client::member(server.address(), "room");
    publish(&mut client, "room", 3);
    Trail::at(&disk.link).follow().next_of("published");

    disk.take_away();
    let (other, _) = Client::known(server.address());
    server.record("the audit log cannot be written", |_| true);
    client.chat("room", "not written down");
    let error = client.expect("error");
    assert_eq!(error["code"], "unavailable");
    assert!(error.to_string().contains("cannot write down"), "{error}");
    let operators = server.operators();
    let publication = json!({"event": "chat", "data": {"text": "not either"}});
    let refused = operators.post("/v1/rooms/room/publications", &publication);
    assert_eq!(refused.status, 503);
    assert!(
        refused.body.contains("cannot write down"),
        "{}",
        refused.body
    );
    // All else goes on.
    client.assert_quiet();

    disk.put_back();
    server.record("the audit log is written again", |_| true);
    await_figure(&operators, "tautline_audit_lost", 0);
    publish(&mut client, "room", 2);
    other.close();
    client.close();
    end(&mut server);
    let trail = Trail::at(&disk.link);
    trail.whole(&[]);
    assert_eq!(trail.of_kind("published").len(), 5);
    assert_eq!(
        trail.of_kind("denied")[0]["detail"]["refusal"],
        "unavailable"
    );
}

#[test]
fn what_finds_no_room_while_the_log_is_lost_is_counted_in_a_row() {
    let disk = Disk::new();
    let mut server = Server::development(&audited(&disk.link, "queue_bytes = 65536"));
    let operators = server.operators();
    let (mut client, _) = Client::member(server.address(), "room");
    disk.take_away();
    publish(&mut client, "room", 2000);
    server.record("the audit log cannot be written", |_| true);
    disk.put_back();
    server.record("the audit log is written again", |_| true);
    await_figure(&operators, "tautline_audit_lost", 0);
    client.close();
    end(&mut server);

    let trail = Trail::at(&disk.link);
    trail.whole(&[]);
    let lost = trail.of_kind("lost");
    let events: u64 = lost
        .iter()
        .map(|row| row["detail"]["events"].as_u64().unwrap())
        .sum();
    let published = u64::try_from(trail.of_kind("published").len()).unwrap();
    assert!(events > 0 && published < 2000);
    assert_eq!(published + events, 2000);
}

#[test]
fn a_log_whose_files_are_gone_goes_on_in_a_new_one_and_says_what_is_missing() {
    let directory = Directory::new();
    let mut server = Server::development(&audited(&directory, ""));
    let (mut client, _) = Client::member(server.address(), "room");
    publish(&mut client, "room", 3);
    let mut following = Trail::at(&directory).follow();
    for _ in 0..3 {
        following.next_of("published");
    }
    let aside = Directory::new();
    fs::rename(&*directory, &*aside).unwrap();
    publish(&mut client, "room", 1);
    server.record("the audit log is written again", |_| true);
    client.close();
    end(&mut server);
    let last = following.seen.last().unwrap()["sequence"].as_u64().unwrap();
    let trail = Trail::at(&directory);
    assert_eq!(trail.broken(&[]).0, 1);
    let from = (last + 1).to_string();
    trail.whole(&["--from", &from]);
    assert_eq!(trail.rows()[0]["kind"], json!("published"));
}

#[test]
fn another_log_in_its_place_is_not_written() {
    let (disk, another) = (Disk::new(), Directory::new());
    written(&another, "", 3);
    let before = Trail::at(&another).whole(&[]);
    let mut server = Server::development(&audited(&disk.link, ""));
    let (mut client, _) = Client::member(server.address(), "room");
    disk.take_away();
    publish(&mut client, "room", 3);
    server.record("the audit log cannot be written", |_| true);
    disk.swap(&another);
    let record = server.record("the audit log cannot be written", |record| {
        record["error"].to_string().contains("is not the log")
    });
    assert!(record["fix"].is_string());
    assert_eq!(Trail::at(&another).whole(&[]), before);

    disk.put_back();
    server.record("the audit log is written again", |_| true);
    client.close();
    end(&mut server);
    Trail::at(&disk.link).whole(&[]);
}

#[test]
fn a_full_disk_stops_publications_until_there_is_room() {
    let directory = Directory::new();
    fs::create_dir(&*directory).unwrap();
    let config = audited(&directory.join("audit"), "on_loss = \"stop\"");
    let Some(mut server) = Server::with_disk(&config, &directory) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no disk of its own: `unshare --user --mount` does not work"
        );
        drop(writeln!(
            std::io::stderr(),
            "not tested: a full disk, because `unshare --user --mount` does not work"
        ));
        return;
    };
    let operators = server.operators();
    let inside = format!("/proc/{}/root{}", server.id(), directory.display());
    let (mut client, _) = Client::member(server.address(), "room");
    publish(&mut client, "room", 3);
    // The start, the connection, its user, its room, and what it has published.
    await_figure(&operators, "tautline_audit_rows_total", 7);

    let filler = format!("{inside}/filler");
    let full = fs::File::create(&filler)
        .unwrap()
        .write_all(&vec![0; 2 << 20]);
    assert_eq!(full.unwrap_err().kind(), ErrorKind::StorageFull);
    let mut answers = (0..PUBLICATIONS_MAX).map(|_| {
        client.chat("room", "more");
        client.next()
    });
    let refused = answers.find(|answer| answer["type"] == "error").unwrap();
    assert_eq!(refused["code"], "unavailable");
    let record = server.record("the audit log cannot be written", |_| true);
    assert!(
        record["error"].as_str().unwrap().contains("full"),
        "{record}"
    );

    fs::remove_file(filler).unwrap();
    server.record("the audit log is written again", |_| true);
    await_figure(&operators, "tautline_audit_lost", 0);
    let copy = Directory::copy_of(format!("{inside}/audit").as_ref());
    Trail::at(&copy).whole(&[]);
    publish(&mut client, "room", 3);
    client.close();
    end(&mut server);
}

#[test]
fn one_process_writes_a_log() {
    let directory = Directory::new();
    let config = audited(&directory, "");
    let _first = Server::development(&config);
    let mut second = Process::serve(&config, &["--dev", "--listen", "127.0.0.1:0"], "info");
    let (status, lines) = second.ended();
    assert_eq!(status.code(), Some(78));
    assert!(
        lines.join("\n").contains("another process writes"),
        "{lines:?}"
    );
}

#[test]
fn a_server_does_not_start_without_the_log_that_it_must_write() {
    let directory = Directory::new();
    fs::write(&*directory, "no directory").unwrap();
    let mut process = Process::serve(
        &audited(&directory, ""),
        &["--dev", "--listen", "127.0.0.1:0"],
        "info",
    );
    let (status, lines) = process.ended();
    assert_eq!(status.code(), Some(78));
    assert!(lines.join("\n").contains("audit.directory"), "{lines:?}");
}

#[test]
fn what_follows_a_loss_is_one_of_two_words() {
    let config = "[audit]\non_loss = \"ignore\"";
    let mut process = Process::serve(config, &["--dev", "--listen", "127.0.0.1:0"], "info");
    let (status, lines) = process.ended();
    assert_eq!(status.code(), Some(78));
    let said = lines.join("\n");
    assert!(
        said.contains("audit.on_loss = \"ignore\": write \"warn\""),
        "{said}"
    );
}
