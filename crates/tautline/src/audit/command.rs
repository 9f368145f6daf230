//! The commands that read the audit log: `tail`, `query`, `verify`, `export`.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::chain::Hash;
use super::directory;
use super::fault::Fault;
use super::query::Query;
use super::row::Kind;
use super::show::{Form, time};
use super::verify::{Asked, Broken, Whole, verify};
use crate::cli::ServeArguments;
use crate::cli::audit::{
    AuditCommand, AuditPlace, ExportFormat, RowFilter, TailArguments, VerifyArguments,
};
use crate::color;
use crate::config::Config;
use crate::logging;
use crate::tell::{EXIT_CONFIG, EXIT_USAGE};

/// The log cannot be read (`EX_NOINPUT` of sysexits.h).
const EXIT_INPUT: u8 = 66;
/// The chain does not hold.
const EXIT_BROKEN: u8 = 1;
/// How often `tail -f` looks for rows that have come.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}; {fix}", fix = .0.fix())]
    Log(#[from] Fault),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Config(String),
}

/// Reads the audit log.
pub fn run(command: &AuditCommand) -> ExitCode {
    let mut out = io::stdout().lock();
    let done = match command {
        AuditCommand::Tail(arguments) => tail(arguments, &mut out),
        AuditCommand::Query(arguments) => {
            let limit = arguments.limit.unwrap_or(u64::MAX);
            select(
                (&arguments.place, &arguments.filter),
                limit,
                form(arguments.json),
                &mut out,
            )
        }
        AuditCommand::Export(arguments) => {
            let form = match arguments.format {
                ExportFormat::Jsonl => Form::Json,
                ExportFormat::Csv => Form::Csv,
            };
            select(
                (&arguments.place, &arguments.filter),
                u64::MAX,
                form,
                &mut out,
            )
        }
        AuditCommand::Verify(arguments) => check(arguments, &mut out),
    };
    match done {
        Ok(code) => code,
        // Whoever read us has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            logging::tell(&failure.to_string());
            ExitCode::from(match failure {
                Failure::Log(_) => EXIT_INPUT,
                Failure::Output(_) => EXIT_BROKEN,
                Failure::Usage(_) => EXIT_USAGE,
                Failure::Config(_) => EXIT_CONFIG,
            })
        }
    }
}

fn tail(arguments: &TailArguments, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let directory = locate(&arguments.place)?;
    let form = form(arguments.json);
    form.begin(out)?;
    let last = directory::last(&directory)?;
    let mut next = last.saturating_sub(arguments.lines) + 1;
    loop {
        let mut written = Ok(());
        let from = i64::try_from(next).unwrap_or(i64::MAX);
        directory::rows(&directory, &Query::from(from), |row| {
            next = row.sequence.saturating_add(1);
            written = form.row(out, &row);
            flow(&written)
        })?;
        written?;
        out.flush()?;
        if !arguments.follow {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(FOLLOW_EVERY);
    }
}

/// Shows the rows that match.
fn select(
    (place, filter): (&AuditPlace, &RowFilter),
    limit: u64,
    form: Form,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let query = query(filter)?;
    let directory = locate(place)?;
    let mut out = io::BufWriter::new(out);
    form.begin(&mut out)?;
    let (mut left, mut written) = (limit, Ok(()));
    directory::rows(&directory, &query, |row| {
        let Some(less) = left.checked_sub(1) else {
            return ControlFlow::Break(());
        };
        left = less;
        written = form.row(&mut out, &row);
        flow(&written)
    })?;
    written?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &VerifyArguments, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let head = arguments.head.as_deref().map(|text| {
        let wrong = || Failure::Usage(format!("--head {text}: is no head; write the 64 hexadecimal digits that `verify` has printed"));
        Hash::parse(text.trim()).ok_or_else(wrong)
    });
    let asked = Asked {
        head: head.transpose()?,
        from: arguments.from,
    };
    let directory = locate(&arguments.place)?;
    match verify(&directory, &asked)? {
        Ok(whole) if arguments.json => writeln!(out, "{}", object(&whole))?,
        Ok(whole) => tell_whole(&whole, out)?,
        Err(broken) => {
            let Broken {
                file,
                sequence,
                why,
            } = &broken;
            if arguments.json {
                let object = json!({"whole": false, "row": sequence, "file": file, "why": why});
                writeln!(out, "{object}")?;
            }
            logging::tell(&format!(
                "broken at row {sequence} ({file}): {why}\nThe rows before it hold. Keep the directory as it is, \
                 and compare it with a copy or an export from before."
            ));
            return Ok(ExitCode::from(EXIT_BROKEN));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_whole(whole: &Whole, out: &mut dyn Write) -> io::Result<()> {
    let rows = rows(whole);
    let (rows, files) = (count(rows, "row"), count(whole.files, "file"));
    writeln!(out, "whole   {rows} in {files}")?;
    for (name, place) in [("first", whole.first), ("last", whole.last)] {
        if let Some((sequence, at)) = place {
            writeln!(out, "{name:6}  row {sequence}, {}", time(at))?;
        }
    }
    if whole.is_trimmed {
        writeln!(
            out,
            "before  deleted by the server, as audit.files_max says, or kept elsewhere"
        )?;
    }
    writeln!(out, "head    {}", whole.head.hash)?;
    if io::stdout().is_terminal() {
        writeln!(
            out,
            "\nKeep the head where the server cannot write. Rows that are cut off at the end are missed only by\n\
             whoever has a head from before: tautline audit verify --head HASH"
        )?;
    }
    Ok(())
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn object(whole: &Whole) -> Value {
    let place = |place: Option<(u64, u64)>| {
        place.map(|(sequence, at)| json!({"row": sequence, "time": time(at)}))
    };
    json!({
        "whole": true, "rows": rows(whole), "files": whole.files, "first": place(whole.first),
        "last": place(whole.last), "trimmed": whole.is_trimmed, "head": whole.head.hash.to_string(),
    })
}

fn rows(whole: &Whole) -> u64 {
    let first = whole
        .first
        .map_or(whole.head.sequence, |(sequence, _)| sequence - 1);
    whole.head.sequence - first
}

/// Where the log is, by what was said.
fn locate(place: &AuditPlace) -> Result<PathBuf, Failure> {
    if let Some(directory) = &place.directory {
        return Ok(directory.clone());
    }
    let arguments = ServeArguments {
        config: place.config.clone(),
        ..ServeArguments::default()
    };
    let config = Config::load(&arguments).map_err(|error| Failure::Config(error.to_string()))?;
    config.disks.audit.directory.ok_or_else(|| {
        Failure::Config(
            "no audit log is configured: name its directory by --directory, or a file with audit.directory by --config"
                .to_owned(),
        )
    })
}

fn query(filter: &RowFilter) -> Result<Query, Failure> {
    if let Some(kind) = &filter.kind
        && !Kind::ALL.iter().any(|known| known.name() == kind)
    {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let names = names.join(", ");
        return Err(Failure::Usage(format!(
            "--kind {kind}: is no kind of row; choose from {names}"
        )));
    }
    let time = |flag: &str, text: &Option<String>| {
        let parse = |text: &String| moment(flag, text);
        text.as_ref().map(parse).transpose()
    };
    Ok(Query {
        from: 1,
        since: time("--since", &filter.since)?,
        until: time("--until", &filter.until)?,
        kind: filter.kind.clone(),
        connection: filter.connection.clone(),
        user: filter.user.clone(),
        address: filter.address.clone(),
        room: filter.room.clone(),
    })
}

/// A moment, or how long it is ago, in milliseconds since 1970.
fn moment(flag: &str, text: &str) -> Result<u64, Failure> {
    let day = format!("{text}T00:00:00Z");
    let wrong = || {
        Failure::Usage(format!(
            "{flag} {text}: is no time; write 2026-07-01, 2026-07-01T12:00:00Z, or how long ago, like 1h or 2days"
        ))
    };
    let at = humantime::parse_rfc3339_weak(text)
        .or_else(|_| humantime::parse_rfc3339(&day))
        .ok()
        .or_else(|| SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?))
        .ok_or_else(wrong)?;
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn form(json: bool) -> Form {
    if json {
        Form::Json
    } else if color::is_wanted() {
        Form::Colored
    } else {
        Form::Plain
    }
}

fn flow(written: &io::Result<()>) -> ControlFlow<()> {
    if written.is_ok() {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}
