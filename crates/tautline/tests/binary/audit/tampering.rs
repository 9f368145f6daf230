//! Whatever is changed in the files of a log is found, and the row is named.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::super::harness::{Directory, Process, Trail};
use super::{audited, files, written, written_files};

const FIRST: &str = "audit-00000001.sqlite";

/// Lets go of what guards the rows, does something to them, and puts the guards back as they were.
fn forge(file: &Path, sql: &str) {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap();
    let triggers: Vec<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(triggers.len() >= 6);
    for (name, _) in &triggers {
        connection
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .unwrap();
    }
    connection.execute_batch(sql).unwrap();
    for (_, sql) in &triggers {
        connection.execute_batch(sql).unwrap();
    }
}

#[test]
fn the_file_itself_refuses_changes() {
    let directory = Directory::new();
    written(&directory, "", 3);
    let connection = Connection::open(directory.join(FIRST)).unwrap();
    for sql in [
        "UPDATE rows SET user = 'bob'",
        "DELETE FROM rows WHERE sequence = 2",
        "REPLACE INTO rows SELECT * FROM rows WHERE sequence = 2",
        "INSERT INTO rows SELECT 99, time, kind, connection, user, address, room, detail, hash FROM rows LIMIT 1",
        "UPDATE start SET sequence = 5",
        "DELETE FROM start",
        "INSERT INTO start SELECT * FROM start",
    ] {
        let error = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    Trail::at(&directory).whole(&[]);
}

#[test]
fn every_change_of_a_row_is_found_at_that_row() {
    let directory = Directory::new();
    written(&directory, "", 10);
    for (sql, row) in [
        ("UPDATE rows SET time = time + 1 WHERE sequence = 5", 5),
        ("UPDATE rows SET kind = 'left' WHERE sequence = 5", 5),
        ("UPDATE rows SET user = NULL WHERE sequence = 5", 5),
        ("UPDATE rows SET user = 'bob' WHERE sequence = 5", 5),
        (
            "UPDATE rows SET connection = connection || '0' WHERE sequence = 5",
            5,
        ),
        ("UPDATE rows SET address = '' WHERE sequence = 5", 5),
        ("UPDATE rows SET room = 'other' WHERE sequence = 5", 5),
        (
            "UPDATE rows SET detail = detail || ' ' WHERE sequence = 5",
            5,
        ),
        ("UPDATE rows SET hash = zeroblob(32) WHERE sequence = 5", 5),
        ("UPDATE rows SET hash = zeroblob(3) WHERE sequence = 5", 5),
        ("UPDATE rows SET sequence = -sequence WHERE sequence = 5", 1),
        ("DELETE FROM rows WHERE sequence = 5", 5),
        ("DELETE FROM rows WHERE sequence = 1", 1),
        (
            "INSERT INTO rows SELECT 0, time, kind, connection, user, address, room, detail, hash FROM rows LIMIT 1",
            1,
        ),
        (
            "INSERT INTO rows SELECT max(sequence) + 1, time, kind, connection, user, address, room, detail, hash FROM rows",
            17,
        ),
        (
            "UPDATE rows SET sequence = 99 WHERE sequence = 5; UPDATE rows SET sequence = 5 WHERE sequence = 6; \
          UPDATE rows SET sequence = 6 WHERE sequence = 99",
            5,
        ),
        ("UPDATE start SET hash = randomblob(32)", 1),
        ("UPDATE start SET sequence = 3", 4),
        ("DELETE FROM start", 1),
    ] {
        let copy = directory.copy();
        forge(&copy.join(FIRST), sql);
        let (found, why) = Trail::at(&copy).broken(&[]);
        assert_eq!(found, row, "{sql}: {why}");
    }
    Trail::at(&directory).whole(&[]);
}

#[test]
fn guards_that_are_gone_are_found() {
    let directory = Directory::new();
    written(&directory, "", 3);
    for sql in [
        "DROP TRIGGER rows_stay",
        "DROP TRIGGER rows_stay; CREATE TRIGGER rows_stay BEFORE UPDATE ON rows BEGIN SELECT 1; END",
        "CREATE TRIGGER another AFTER INSERT ON rows BEGIN SELECT 1; END",
        "PRAGMA user_version = 2",
    ] {
        let copy = directory.copy();
        let connection = Connection::open(copy.join(FIRST)).unwrap();
        connection.execute_batch(sql).unwrap();
        Trail::at(&copy).broken(&[]);
    }
}

#[test]
fn files_that_are_gone_swapped_or_cut_are_found() {
    let directory = Directory::new();
    written_files(&directory, "", 4);
    let trail = Trail::at(&directory);
    let head = trail.whole(&[])["head"].as_str().unwrap().to_owned();
    assert!(files(&directory).len() >= 4);

    let copy = directory.copy();
    fs::remove_file(&files(&copy)[1]).unwrap();
    assert!(Trail::at(&copy).broken(&[]).1.contains("goes on after"));

    let copy = directory.copy();
    fs::remove_file(&files(&copy)[0]).unwrap();
    let (_, why) = Trail::at(&copy).broken(&[]);
    let from = why.split("--from ").nth(1).unwrap().trim_end_matches('"');
    assert_eq!(Trail::at(&copy).whole(&["--from", from])["trimmed"], true);

    let copy = directory.copy();
    let paths = files(&copy);
    fs::rename(&paths[1], copy.join("aside")).unwrap();
    fs::rename(&paths[2], &paths[1]).unwrap();
    fs::rename(copy.join("aside"), &paths[2]).unwrap();
    Trail::at(&copy).broken(&[]);

    let copy = directory.copy();
    let path = &files(&copy)[1];
    let length = path.metadata().unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    Trail::at(&copy).broken(&[]);

    let copy = directory.copy();
    let path = files(&copy).pop().unwrap();
    fs::remove_file(path).unwrap();
    // A chain cannot know what came behind its end: who has kept a head does.
    Trail::at(&copy).whole(&[]);
    assert!(
        Trail::at(&copy)
            .broken(&["--head", &head])
            .1
            .contains("never had the head")
    );
    trail.whole(&["--head", &head]);
}

#[test]
fn rows_that_are_cut_off_at_the_end_are_missed_by_who_kept_a_head() {
    let directory = Directory::new();
    written(&directory, "", 10);
    let trail = Trail::at(&directory);
    let rows = trail.rows();
    let (early, last) = (
        rows[4]["hash"].as_str().unwrap(),
        rows.last().unwrap()["hash"].as_str().unwrap(),
    );
    forge(
        &directory.join(FIRST),
        "DELETE FROM rows WHERE sequence > 6",
    );
    trail.whole(&[]);
    trail.whole(&["--head", early]);
    trail.broken(&["--head", last]);
}

#[test]
fn a_server_does_not_write_behind_what_is_damaged() {
    let directory = Directory::new();
    written(&directory, "", 10);
    forge(
        &directory.join(FIRST),
        "UPDATE rows SET user = 'bob' WHERE sequence = 8",
    );
    let mut process = Process::serve(
        &audited(&directory, ""),
        &["--dev", "--listen", "127.0.0.1:0"],
        "info",
    );
    let (status, lines) = process.ended();
    assert_eq!(status.code(), Some(78));
    let said = lines.join("\n");
    for part in [
        "audit.directory",
        "broken at row 8",
        "tautline audit verify",
    ] {
        assert!(said.contains(part), "{said}");
    }
}
