//! What is measured against what: the systems, and how each is started.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use crate::case::{Case, Kind};
use crate::certificate::Certificate;
use crate::disk::Disk;
use crate::load::link::Target;
use crate::load::typed::Encoding;
use crate::load::wire::Wire;
use crate::process::Process;

/// The secret in the bench's configurations: it guards nothing but a server on loopback that lives
/// for a minute.
pub(crate) const SECRET: &str = "bench-bench-bench-bench-bench-bench";
/// How long the load client's token is valid: longer than any run.
const TOKEN_LIFE: Duration = Duration::from_hours(2);
/// Where a server listens that may choose its port.
const ANYWHERE: &str = "127.0.0.1:0";
/// The folder of the Node servers and of the configurations.
const HOME: &str = env!("CARGO_MANIFEST_DIR");

/// A server under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum System {
    #[value(name = "tautline")]
    Tautline,
    #[value(name = "engine")]
    Engine,
    #[value(name = "limit")]
    Limit,
    #[value(name = "limit-coalesced")]
    LimitCoalesced,
    #[value(name = "sqlite")]
    Sqlite,
    #[value(name = "node-ws")]
    NodeWs,
    #[value(name = "socket.io")]
    SocketIo,
    #[value(name = "centrifugo")]
    Centrifugo,
}

/// What starting a system needs to know.
#[derive(Debug)]
pub(crate) struct Site {
    /// The `tautline` binary.
    pub(crate) server: PathBuf,
    /// The size of the frames that the bare servers deliver.
    pub(crate) frame_bytes: usize,
    /// The size of the frame that has all that was missed.
    pub(crate) welcome_bytes: usize,
    /// Where the durable cases write.
    pub(crate) disk: Disk,
    /// What is spoken with where TLS is.
    pub(crate) certificate: Certificate,
}

impl System {
    /// The name in tables and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tautline => "tautline",
            Self::Engine => "engine",
            Self::Limit => "limit",
            Self::LimitCoalesced => "limit-coalesced",
            Self::Sqlite => "sqlite",
            Self::NodeWs => "node-ws",
            Self::SocketIo => "socket.io",
            Self::Centrifugo => "centrifugo",
        }
    }

    /// Whether it is a server that people use instead.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::NodeWs | Self::SocketIo | Self::Centrifugo)
    }

    fn wire(self, case: &Case) -> Wire {
        match self {
            Self::Tautline | Self::Limit => match case.kind {
                Kind::Ticks(encoding) => Wire::Typed(encoding),
                Kind::Durable { .. } => Wire::Typed(Encoding::Json),
                Kind::Recovery { .. } if self == Self::Tautline => Wire::Typed(Encoding::Json),
                Kind::FanOut(_)
                | Kind::Latency { .. }
                | Kind::Echo { .. }
                | Kind::Connect
                | Kind::Recovery { .. }
                | Kind::Idle { .. } => Wire::Plain,
            },
            // What has one socket speaks nothing that has a name.
            Self::Engine | Self::LimitCoalesced | Self::Sqlite | Self::NodeWs => Wire::Plain,
            Self::SocketIo => Wire::SocketIo,
            Self::Centrifugo => Wire::Centrifugo,
        }
    }

    /// Why the system cannot be measured here, and what to do about it.
    pub(crate) fn missing(self, site: &Site) -> Option<String> {
        match self {
            Self::Engine | Self::Limit | Self::LimitCoalesced | Self::Sqlite => None,
            Self::Tautline if site.server.is_file() => None,
            Self::Tautline => Some(format!(
                "there is no {}; build it with `cargo build --release -p tautline` or name one with --server",
                site.server.display()
            )),
            Self::NodeWs | Self::SocketIo => peers_missing(),
            Self::Centrifugo => match version("centrifugo", &["version"]) {
                Some(_) => None,
                None => Some(
                    "there is no centrifugo in PATH; install it to have it measured".to_owned(),
                ),
            },
        }
    }

    /// The version that is measured.
    pub(crate) fn version(self, site: &Site) -> Option<String> {
        match self {
            Self::Tautline => version(site.server.to_str()?, &["--version"]),
            // All of a workspace have one version.
            Self::Engine | Self::Limit | Self::LimitCoalesced => {
                Some(env!("CARGO_PKG_VERSION").to_owned())
            }
            Self::Sqlite => Some(rusqlite::version().to_owned()),
            Self::NodeWs => package_version("ws"),
            Self::SocketIo => package_version("socket.io"),
            Self::Centrifugo => version("centrifugo", &["version"]),
        }
    }

    /// Starts the system for a case.
    pub(crate) fn start(self, case: &Case, site: &Site) -> Result<Process> {
        let cores = case.shards;
        let command = match self {
            Self::Centrifugo => {
                let (command, address) = centrifugo()?;
                return Process::start_at(command, cores, address)
                    .context("centrifugo does not start");
            }
            Self::Tautline => tautline(case, site)?,
            Self::Limit => bare(case, site, &[])?,
            Self::LimitCoalesced => bare(case, site, &["--coalesced"])?,
            Self::Engine => one_socket("serve-engine", site)?,
            Self::Sqlite => one_socket("serve-rows", site)?,
            Self::NodeWs => node("ws.js"),
            Self::SocketIo => node("socket-io.js"),
        };
        Process::start(command, cores).with_context(|| format!("{} does not start", self.name()))
    }

    /// Where the load client finds a started system.
    pub(crate) fn target(self, case: &Case, site: &Site, process: &Process) -> Result<Target> {
        let trust = case.is_over_tls().then(|| site.certificate.trust());
        Ok(Target {
            address: process.address,
            wire: self.wire(case),
            tokens: vec![token("bench", SECRET)?],
            tls: trust.transpose()?,
            missed: None,
            introduction: None,
        })
    }
}

/// Tautline with its committed configuration; only the number of shards, and whether TLS is spoken,
/// differ from case to case.
fn tautline(case: &Case, site: &Site) -> Result<Command> {
    const ONE: &str = "shards = 1";
    let shards = case.shards;
    let committed = Path::new(HOME).join("tautline.toml");
    let text = fs::read_to_string(&committed)
        .with_context(|| format!("cannot read {}", committed.display()))?;
    ensure!(
        text.contains(ONE),
        "{} has no line `{ONE}`",
        committed.display()
    );
    let text = text.replace(ONE, &format!("shards = {shards}"));
    let is_durable = matches!(case.kind, Kind::Durable { .. });
    let rooms = if is_durable {
        include_str!("../durable.toml")
    } else {
        ""
    };
    let mut command = serving(site, case.name, &(text + rooms), ANYWHERE)?;
    if is_durable {
        command.arg("--data").arg(site.disk.place()?);
    }
    if case.is_over_tls() {
        let [certificate, key] = site.certificate.files()?;
        command.arg("--tls-cert").arg(certificate);
        command.arg("--tls-key").arg(key);
    }
    Ok(command)
}

/// Tautline as production has it: with every limit at its default, behind a proxy.
pub(crate) fn production(site: &Site) -> Result<Process> {
    let text = include_str!("../production.toml");
    let command = serving(site, "production", text, ANYWHERE)?;
    Process::start(command, 1).context("tautline does not start")
}

/// The same at this address, with durable rooms that are kept in this directory.
pub(crate) fn durable(site: &Site, address: SocketAddr, store: &Path) -> Result<Process> {
    let text = [
        include_str!("../production.toml"),
        include_str!("../storm.toml"),
    ];
    let mut command = serving(site, "storm", &text.concat(), &address.to_string())?;
    command.args(["--admin-listen", ANYWHERE]);
    command.arg("--data").arg(store);
    Process::start(command, 1).context("tautline does not start")
}

/// The server with this configuration, at this address; the configuration is in a file named after `what`.
fn serving(site: &Site, what: &str, text: &str, address: &str) -> Result<Command> {
    let id = std::process::id();
    let config = std::env::temp_dir().join(format!("tautline-bench-{id}-{what}.toml"));
    fs::write(&config, text)?;
    // The server refuses a secret that everybody may read.
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(&site.server);
    command
        .arg("serve")
        .arg("--config")
        .arg(config)
        .args(["--listen", address]);
    Ok(command)
}

fn bare(case: &Case, site: &Site, options: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("serve-limit")
        .args(options)
        .args(["--frame-bytes", &site.frame_bytes.to_string()]);
    if matches!(case.kind, Kind::Recovery { .. }) {
        command.args(["--joined-bytes", &site.welcome_bytes.to_string()]);
    }
    if matches!(case.kind, Kind::Durable { .. }) {
        command.arg("--directory").arg(site.disk.place()?);
    }
    Ok(command)
}

/// One that writes to a directory of its own, and has one socket.
fn one_socket(subcommand: &str, site: &Site) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(subcommand).arg(site.disk.place()?);
    Ok(command)
}

fn node(program: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(Path::new(HOME).join("peers").join(program))
        .env("NODE_ENV", "production");
    command
}

/// Centrifugo cannot choose a port itself: one that was free a moment ago is named.
fn centrifugo() -> Result<(Command, SocketAddr)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new("centrifugo");
    command
        .arg("--config")
        .arg(Path::new(HOME).join("peers").join("centrifugo.json"))
        .env("CENTRIFUGO_HTTP_SERVER_ADDRESS", address.ip().to_string())
        .env("CENTRIFUGO_HTTP_SERVER_PORT", address.port().to_string());
    Ok((command, address))
}

/// A token of this user, good for every room of the bench where it is signed with [`SECRET`].
pub(crate) fn token(user: &str, secret: &str) -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let claims = json!({
        "sub": user,
        "exp": (now + TOKEN_LIFE).as_secs(),
        "rooms": { "bench:*": ["join", "publish"] },
    });
    Ok(jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )?)
}

/// Installs the Node servers' packages where that has not been done.
fn peers_missing() -> Option<String> {
    let peers = Path::new(HOME).join("peers");
    for program in ["node", "npm"] {
        if version(program, &["--version"]).is_none() {
            return Some(format!(
                "there is no {program} in PATH; install Node 20 or later to have it measured"
            ));
        }
    }
    if peers.join("node_modules").is_dir() {
        return None;
    }
    let installed = Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        .current_dir(&peers)
        .stdout(Stdio::null())
        .status();
    match installed {
        Ok(status) if status.success() => None,
        _ => Some(format!(
            "`npm ci` failed in {}; run it there to see why",
            peers.display()
        )),
    }
}

fn package_version(name: &str) -> Option<String> {
    let manifest = Path::new(HOME)
        .join("peers/node_modules")
        .join(name)
        .join("package.json");
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(manifest).ok()?).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

/// The first line that a program says about its version.
pub(crate) fn version(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}
