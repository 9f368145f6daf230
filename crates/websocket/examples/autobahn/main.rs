//! The codec before Autobahn's fuzzing client, judged strictly:
//! `autobahn --wstest PATH --groups core|compression|all --out DIR [--echo PATH]`.
//!
//! It starts the echo example (the one beside it unless `--echo` names another), has `wstest` run its
//! cases, prints a table by group, and fails unless every single case is there and passed. The report for people
//! is `DIR/index.html`, and what `wstest` printed is `DIR/wstest.log`.

mod verdict;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use crate::verdict::{AGENT, Group, Verdict};

const USAGE: &str =
    "usage: autobahn --wstest PATH --groups core|compression|all --out DIR [--echo PATH]";

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse(std::env::args().skip(1))?;
    let verdict = judge(&options)?;
    write!(io::stdout(), "{verdict}")?;
    Ok(if verdict.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Options {
    wstest: PathBuf,
    groups: Vec<Group>,
    out: PathBuf,
    echo: PathBuf,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let (mut wstest, mut groups, mut out) = (None, None, None);
        let mut echo = std::env::current_exe()?.with_file_name("echo");
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .with_context(|| format!("{name} needs a value; {USAGE}"))?;
            match name.as_str() {
                "--wstest" => wstest = Some(value.into()),
                "--groups" => groups = Some(verdict::groups(&value).context(USAGE)?),
                "--out" => out = Some(value.into()),
                "--echo" => echo = value.into(),
                _ => bail!("unknown option {name}; {USAGE}"),
            }
        }
        Ok(Self {
            wstest: wstest.context(USAGE)?,
            groups: groups.context(USAGE)?,
            out: out.context(USAGE)?,
            echo,
        })
    }
}

fn judge(options: &Options) -> anyhow::Result<Verdict> {
    let out = &options.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let index = out.join("index.json");
    if index.exists() {
        fs::remove_file(&index)?; // so that no earlier result is judged
    }
    let echo = Echo::start(&options.echo)?;
    run_wstest(options, &echo.address)?;
    drop(echo);
    let text = fs::read_to_string(&index).with_context(|| {
        format!(
            "wstest wrote no {}: see wstest.log beside it",
            index.display()
        )
    })?;
    Verdict::new(&options.groups, &serde_json::from_str(&text)?)
}

/// Runs all cases. `wstest` bounds each case itself; its exit code says nothing about them.
fn run_wstest(options: &Options, address: &str) -> anyhow::Result<()> {
    let cases: Vec<String> = options
        .groups
        .iter()
        .map(|group| format!("{}.*", group.number))
        .collect();
    let spec = json!({
        "outdir": options.out,
        "servers": [{
            "agent": AGENT,
            "url": format!("ws://{address}/echo"),
            "options": { "version": 18 },
        }],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let spec_file = options.out.join("fuzzingclient.json");
    fs::write(&spec_file, spec.to_string())?;
    let output = Command::new(&options.wstest)
        .args(["-m", "fuzzingclient", "-s"])
        .arg(&spec_file)
        .output()
        .with_context(|| {
            let wstest = options.wstest.display();
            format!("cannot run {wstest}: install autobahntestsuite for Python 2.7 there")
        })?;
    fs::write(
        options.out.join("wstest.log"),
        [output.stdout, output.stderr].concat(),
    )?;
    Ok(())
}

/// The server under test, which ends with this value.
struct Echo {
    process: Child,
    address: String,
}

impl Echo {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {}: build the example echo first",
                    program.display()
                )
            })?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line
            .strip_prefix("listening on ")
            .unwrap_or_default()
            .trim()
            .to_owned();
        let echo = Self { process, address };
        ensure!(
            !echo.address.is_empty(),
            "the echo server does not listen: it said {line:?}"
        );
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
