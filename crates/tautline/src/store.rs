//! The commands for the store of durable rooms: `stats`, `check`, `backup`, `restore`, `compact`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tautline_engine::embedded::{self, StoreError, StoreStats, Survey};

use crate::cli::ServeArguments;
use crate::cli::store::{FileArguments, LookArguments, StoreCommand, StorePlace};
use crate::config::Config;
use crate::tell::{EXIT_CONFIG, fail, print};

/// The store, or the file, cannot be used (`EX_NOINPUT` of sysexits.h).
const EXIT_INPUT: u8 = 66;

/// Something is damaged.
const EXIT_DAMAGED: u8 = 1;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}; {fix}", fix = .0.fix())]
    Store(#[from] StoreError),
    #[error("{0}")]
    Config(String),
}

/// Does something with the store.
pub fn run(command: &StoreCommand) -> ExitCode {
    let done = match command {
        StoreCommand::Stats(arguments) => stats(arguments),
        StoreCommand::Check(arguments) => check(arguments),
        StoreCommand::Backup(arguments) => backup(arguments),
        StoreCommand::Restore(arguments) => restore(arguments),
        StoreCommand::Compact { place } => compact(place),
    };
    done.unwrap_or_else(|failure| {
        let code = match failure {
            Failure::Store(_) => EXIT_INPUT,
            Failure::Config(_) => EXIT_CONFIG,
        };
        fail(code, &failure.to_string())
    })
}

fn stats(arguments: &LookArguments) -> Result<ExitCode, Failure> {
    let stats = embedded::stats(&locate(&arguments.place)?)?;
    if arguments.json {
        return Ok(print(&format!("{}\n", object(stats))));
    }
    let StoreStats {
        rooms,
        publications,
        keys,
        cursors,
        values,
        bytes,
        free_bytes,
    } = stats;
    Ok(print(&format!(
        "rooms         {rooms}\npublications  {publications}\nkeys          {keys}\ncursors       {cursors}\n\
         values        {values}\nbytes         {bytes}\nfree bytes    {free_bytes}\n"
    )))
}

fn check(arguments: &LookArguments) -> Result<ExitCode, Failure> {
    let Survey { stats, faults } = embedded::survey(&locate(&arguments.place)?)?;
    if arguments.json {
        let whole = faults.is_empty();
        let found = json!({"whole": whole, "faults": faults, "stats": object(stats)});
        let printed = print(&format!("{found}\n"));
        return Ok(if whole {
            printed
        } else {
            ExitCode::from(EXIT_DAMAGED)
        });
    }
    if faults.is_empty() {
        return Ok(print(&format!(
            "whole: {} publications of {} rooms, {} keys\n",
            stats.publications, stats.rooms, stats.keys
        )));
    }
    let said = format!(
        "damaged:\n  {}\nlook for a failing disk; messages that are damaged are given up when they are read, and for \
         everything else there is the last backup",
        faults.join("\n  ")
    );
    Ok(fail(EXIT_DAMAGED, &said))
}

fn backup(arguments: &FileArguments) -> Result<ExitCode, Failure> {
    let file = &arguments.file;
    embedded::backup(&locate(&arguments.place)?, file)?;
    Ok(print(&format!("{} is written and whole\n", file.display())))
}

fn restore(arguments: &FileArguments) -> Result<ExitCode, Failure> {
    let directory = locate(&arguments.place)?;
    embedded::restore(&arguments.file, &directory)?;
    Ok(print(&format!(
        "{} has the store of {} now; every room begins a new epoch\n",
        directory.display(),
        arguments.file.display()
    )))
}

fn compact(place: &StorePlace) -> Result<ExitCode, Failure> {
    let (before, after) = embedded::compact(&locate(place)?)?;
    Ok(print(&format!("{before} bytes before, {after} now\n")))
}

fn object(stats: StoreStats) -> Value {
    json!({
        "rooms": stats.rooms, "publications": stats.publications, "keys": stats.keys, "cursors": stats.cursors,
        "values": stats.values, "bytes": stats.bytes, "freeBytes": stats.free_bytes,
    })
}

/// Where the store is, by what was said.
fn locate(place: &StorePlace) -> Result<PathBuf, Failure> {
    if let Some(directory) = &place.directory {
        return Ok(directory.clone());
    }
    let arguments = ServeArguments {
        config: place.config.clone(),
        ..ServeArguments::default()
    };
    let config = Config::load(&arguments).map_err(|error| Failure::Config(error.to_string()))?;
    let storage = config.disks.storage.map(|storage| storage.directory);
    storage.ok_or_else(|| {
        Failure::Config(
            "no store is configured: name its directory by --directory, or a file with storage.directory by --config"
                .to_owned(),
        )
    })
}
