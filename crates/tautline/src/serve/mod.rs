//! The life of the process: what is started in which order, and how it ends. Knows all parts.

mod door;
mod rooms;
mod seat;

use std::io::{self, IsTerminal};
use std::net::TcpListener;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tautline_protocol::model::NodeId;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, oneshot};
use tokio::task::LocalSet;

use self::door::{Door, bind};
use self::rooms::Rooms;
use self::seat::{Seat, emptied, ended, tell};
use crate::admin::{self, Desk, Operators};
use crate::api::{Api, BodyLimits};
use crate::audit::Audit;
use crate::auth::{Keys, Verifier};
use crate::certificate::News;
use crate::cli::ServeArguments;
use crate::config::{Admin, Config, Drain, Mode, Tls};
use crate::inquiry::Shards;
use crate::lifecycle::{Log, Observer, Observers};
use crate::limits::{Counts, Places};
use crate::logging;
use crate::metrics::Metrics;
use crate::panics;
use crate::rlimits;
use crate::tell::EXIT_CONFIG;
use crate::transport::{Intake, Origins, Shared};

/// How long a shard has to end.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// How often the engine lets go of what has ended.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How long the members of a node outlive it.
const LEASE: Duration = Duration::from_secs(10);

/// Runs the server until it is told to end.
pub fn serve(arguments: &ServeArguments) -> ExitCode {
    let config = match Config::load(arguments) {
        Ok(config) => config,
        Err(error) => {
            logging::tell(&format!(
                "tautline cannot start with this configuration:\n{error}"
            ));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    logging::start();
    panics::note_all();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start a runtime");
            return ExitCode::FAILURE;
        }
    };
    let metrics = Arc::new(Metrics::new());
    let audit = match Audit::start(&config.disks.audit, metrics.audit()) {
        Ok(audit) => audit,
        Err(fault) => {
            logging::tell(&format!(
                "tautline cannot start with this configuration:\n{fault}"
            ));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let rooms = match Rooms::open(&config.limits, config.disks.storage.as_ref(), &metrics) {
        Ok(rooms) => rooms,
        Err(error) => {
            logging::tell(&format!(
                "tautline cannot start with this store of durable rooms:\n{error}; {}",
                error.fix()
            ));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let running = run(config, rooms, (metrics, audit.clone()));
    let ended = runtime.block_on(LocalSet::new().run_until(running));
    if let Some(audit) = audit {
        audit.end();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(
    config: Config,
    rooms: Rooms,
    (metrics, audit): (Arc<Metrics>, Option<Arc<Audit>>),
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    rlimits::settle().context("cannot set the limits of the process")?;
    let connections_max = config.limits.connections_max;
    let (mode, drain) = (config.mode, config.drain);
    let listeners = bind(&config)?;
    let for_operators = config.admin.listen.map(admin::bind).transpose()?;
    let engine = rooms.engine();
    let node = NodeId(getrandom::u32().context("the system has no random numbers")?);
    engine.renew(node, LEASE).await?;
    let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::clone(&metrics) as _, Arc::new(Log)];
    observers.extend(audit.iter().map(|audit| Arc::clone(audit) as _));
    let origins = Origins::of(&config);
    let shared = Arc::new(Shared {
        mode,
        session: Arc::new(config.session),
        origins,
        transport: config.transport,
        verifier: Verifier::new(config.credentials),
        engine,
        observer: Observers(observers),
        audit,
        certificate: config.tls.as_ref().map(|tls| Arc::clone(&tls.certificate)),
        ready: AtomicBool::new(true),
        counts: Arc::new(Counts::new(&config.limits)),
    });
    let broken = Arc::new(Notify::new());
    let start = |index| Seat::start(&shared, &metrics, ((node, index), config.shard), &broken);
    let shards: anyhow::Result<Rc<[Seat]>> = (0..config.shards).map(start).collect();
    let shards = shards?;
    for listener in listeners {
        announce(&listener, mode, shared.certificate.is_some())?;
        let door = Door {
            shards: Rc::clone(&shards),
            shared: Arc::clone(&shared),
            connections_max,
        };
        door.open(listener)?;
    }
    if let Some(tls) = config.tls {
        tokio::task::spawn_local(renew(tls, Arc::clone(&metrics)));
    }
    let operators = for_operators
        .map(|listener| {
            start_operators(listener, config.admin, (&shared, metrics), (node, &shards))
        })
        .transpose()?;
    let (broken_store, store_is_broken) = oneshot::channel();
    tokio::task::spawn_local(sweep(rooms, node, broken_store));

    tokio::select! {
        () = signals.next() => {}
        () = broken.notified() => anyhow::bail!("a shard has panicked; the server must start anew"),
        Ok(why) = store_is_broken => anyhow::bail!(
            "the disk of durable rooms does not keep what it is given ({why}); look at it, and start the server anew"
        ),
    }
    shared.ready.store(false, Ordering::Relaxed);
    tokio::select! {
        () = clear(&shards, &shared.counts.handshakes, drain) => {}
        () = signals.next() => {
            tracing::warn!("ended by a second signal");
            return Ok(());
        }
    }
    if let Some(operators) = operators {
        operators.end();
    }
    Ok(())
}

/// Closes all connections, and ends the shards.
async fn clear(shards: &[Seat], handshakes: &Places, drain: Drain) {
    tracing::info!(window = ?drain.window, deadline = ?drain.deadline, "draining; a second signal ends at once");
    tell(shards, || Intake::Drain(drain.window));
    if tokio::time::timeout(drain.deadline, emptied(shards, handshakes))
        .await
        .is_ok()
    {
        tracing::info!("drained");
    } else {
        tracing::warn!("ended by the deadline");
    }
    tell(shards, || Intake::End);
    // Each connection that is left has its end told.
    drop(tokio::time::timeout(END_PATIENCE, ended(shards)).await);
}

/// Answers operators, and back ends.
fn start_operators(
    listener: TcpListener,
    mut admin: Admin,
    (shared, metrics): (&Arc<Shared>, Arc<Metrics>),
    (node, shards): (NodeId, &[Seat]),
) -> anyhow::Result<Operators> {
    metrics.weigh(Arc::clone(&shared.counts.memory));
    let keys = std::mem::take(&mut admin.keys);
    let api = Api {
        engine: Arc::clone(&shared.engine),
        session: Arc::clone(&shared.session),
        counts: Arc::clone(&shared.counts),
        audit: shared.audit.clone(),
        shards: Shards::new(node, shards.iter().map(Seat::way).collect()),
        observer: shared.observer.clone(),
        keys: Keys::new(shared.mode, keys),
        body: BodyLimits {
            bytes_max: shared.transport.message_bytes_max,
            within: shared.transport.handshake_timeout,
        },
    };
    let desk = Desk {
        api: Arc::new(api),
        metrics,
        shared: Arc::clone(shared),
    };
    admin::start(listener, &admin, desk)
}

fn announce(listener: &TcpListener, mode: Mode, tls: bool) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, ?mode, tls, "listening");
    if mode == Mode::Development && address.is_ipv4() && io::stderr().is_terminal() {
        let scheme = if tls { "https" } else { "http" };
        logging::tell(&format!(
            "\n  Try it:  {scheme}://{address}/\n  Stop it: Ctrl-C\n"
        ));
    }
    Ok(())
}

/// Keeps the engine tidy, and says why when its disk has failed.
async fn sweep(rooms: Rooms, node: NodeId, broken: oneshot::Sender<String>) {
    let engine = rooms.engine();
    let mut interval = tokio::time::interval(SWEEP_EVERY);
    loop {
        interval.tick().await;
        // First, so that a process that slept past the lease does not end its own members.
        if let Err(error) = engine.renew(node, LEASE).await {
            tracing::warn!(%error, "cannot renew the lease of this node's members");
        }
        rooms.sweep();
        if let Some(why) = rooms.failure() {
            drop(broken.send(why.to_owned()));
            return;
        }
    }
}

/// Looks whether the certificate has changed, on a thread where waiting for a disk holds up nobody.
async fn renew(tls: Tls, metrics: Arc<Metrics>) {
    loop {
        tokio::time::sleep(tls.reload_every).await;
        let certificate = Arc::clone(&tls.certificate);
        let Ok(news) = tokio::task::spawn_blocking(move || certificate.look()).await else {
            tracing::error!(
                "looking for a new certificate failed; the server goes on with the one it has"
            );
            return;
        };
        match news {
            News::None => {}
            News::Renewed => {
                metrics.certificate_read("renewed");
                tracing::info!("new connections get the new certificate");
            }
            News::Kept(faults) => {
                metrics.certificate_read("kept");
                for fault in faults {
                    tracing::warn!(%fault, "the certificate has changed and cannot be used: the old one is kept");
                }
            }
        }
    }
}

/// What tells the process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
