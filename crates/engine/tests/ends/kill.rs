//! A killed process: what the kernel has taken is still there.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use uuid::Uuid;

use crate::judge::Judge;
use crate::said::Said;
use crate::{WORDS_MAX, child, tell};

pub(crate) fn judge(kills: u64) {
    let name = format!("tautline-kill-{}", Uuid::now_v7().simple());
    let directory = env::temp_dir().join(name);
    let mut judge = Judge::default();
    for _ in 0..kills {
        let said = kill_one(&directory);
        judge.compare(&directory, said);
    }
    fs::remove_dir_all(&directory).unwrap();
    tell(&format!("{kills} kills, {judge}"));
}

/// Lets a child publish, and kills it when it has said enough.
fn kill_one(directory: &Path) -> Said {
    let mut child = child::command(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let enough = Uuid::now_v7().as_u128() % WORDS_MAX;
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said::default();
    let mut line = String::new();
    for number in 0_u128.. {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        said.note(&line);
        if number == enough {
            // What it has said until then is read, too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    said
}
