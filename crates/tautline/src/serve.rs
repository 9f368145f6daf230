//! The life of the process: what is started in which order, and how it ends. Knows all parts.

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tautline_engine::memory::MemoryEngine;
use tautline_engine::{Engine, Events, Listener, Members, inbox};
use tautline_hub::{Shard, ShardLimits};
use tautline_protocol::model::NodeId;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::admin::{self, Desk, Operators};
use crate::api::{Api, BodyLimits};
use crate::audit::Audit;
use crate::auth::{Keys, Verifier};
use crate::cause::{Cause, Refused};
use crate::certificate::News;
use crate::cli::ServeArguments;
use crate::config::{Admin, Config, Drain, Mode, Tls};
use crate::descriptors;
use crate::inquiry::{Shards, Way};
use crate::lifecycle::{Log, Observer, Observers};
use crate::limits::{Counts, Places};
use crate::logging;
use crate::metrics::Metrics;
use crate::tell::EXIT_CONFIG;
use crate::transport::{Encoder, Intake, Origins, Shared, Worker};

/// So many events wait for a shard; more become a gap.
const INBOX_EVENTS: usize = 16 * 1024;
/// So many sockets wait for a shard to take them in; more are refused.
const INTAKE_SOCKETS: usize = 1024;
/// So many connections wait to be accepted, in the kernel.
const BACKLOG: i32 = 4096;
/// How long nothing is accepted when the system has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long what was sent may go without the peer's system having it.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// How often the end of others is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
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
    let audit = match Audit::start(&config.audit, metrics.audit()) {
        Ok(audit) => audit,
        Err(fault) => {
            logging::tell(&format!(
                "tautline cannot start with this configuration:\n{fault}"
            ));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let running = run(config, arguments, (metrics, audit.clone()));
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
    arguments: &ServeArguments,
    (metrics, audit): (Arc<Metrics>, Option<Arc<Audit>>),
) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    descriptors::raise().context("cannot raise the limit on open files")?;
    let connections_max = config.limits.connections_max;
    let (mode, drain) = (config.mode, config.drain);
    let listeners = bind(&config)?;
    let for_operators = config.admin.listen.map(admin::bind).transpose()?;
    let engine = Arc::new(MemoryEngine::default());
    let node = NodeId(getrandom::u32().context("the system has no random numbers")?);
    engine.renew(node, LEASE).await?;
    let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::clone(&metrics) as _, Arc::new(Log)];
    observers.extend(audit.iter().map(|audit| Arc::clone(audit) as _));
    let shared = Arc::new(Shared {
        mode,
        session: Arc::new(config.session),
        origins: Origins::new(mode, config.transport.allowed_origins.clone()),
        transport: config.transport,
        verifier: Verifier::new(config.credentials),
        engine: Arc::clone(&engine) as Arc<dyn Engine>,
        observer: Observers(observers),
        audit,
        certificate: config.tls.as_ref().map(|tls| Arc::clone(&tls.certificate)),
        ready: AtomicBool::new(true),
        counts: Arc::new(Counts::new(&config.limits)),
    });
    let shards = (0..config.shards)
        .map(|index| Seat::start(&shared, &metrics, (node, index), config.shard))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let shards: Rc<[Seat]> = shards.into();
    for listener in listeners {
        announce(&listener, mode, shared.certificate.is_some())?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let door = Door {
            shards: Rc::clone(&shards),
            shared: Arc::clone(&shared),
            connections_max,
        };
        tokio::task::spawn_local(door.keep(listener));
    }
    if let Some(tls) = config.tls {
        tokio::task::spawn_local(renew(tls, Arc::clone(&metrics)));
    }
    let operators = for_operators
        .map(|listener| {
            start_operators(listener, config.admin, (&shared, metrics), (node, &shards))
        })
        .transpose()?;
    warn(&shared, arguments);
    tokio::task::spawn_local(sweep(engine, node));

    signaled(&mut terminate, &mut interrupt).await;
    shared.ready.store(false, Ordering::Relaxed);
    tokio::select! {
        () = clear(&shards, drain) => {}
        () = signaled(&mut terminate, &mut interrupt) => {
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
async fn clear(shards: &[Seat], drain: Drain) {
    tracing::info!(window = ?drain.window, deadline = ?drain.deadline, "draining; a second signal ends at once");
    tell(shards, || Intake::Drain(drain.window));
    if tokio::time::timeout(drain.deadline, emptied(shards))
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

/// Says what is set and does not do what one may expect of it.
fn warn(shared: &Shared, arguments: &ServeArguments) {
    if shared.mode == Mode::Production && shared.transport.proxies.is_hidden {
        tracing::warn!(
            "a proxy stands in front that server.trusted_proxies does not name: \
             the addresses of clients are not known, and limits per address do not hold"
        );
    }
    if arguments.data.is_some() {
        tracing::warn!("the memory engine keeps nothing on disk: --data is not used");
    }
}

/// Answers operators, and back ends.
fn start_operators(
    listener: TcpListener,
    mut admin: Admin,
    (shared, metrics): (&Arc<Shared>, Arc<Metrics>),
    (node, shards): (NodeId, &[Seat]),
) -> anyhow::Result<Operators> {
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

/// Tells every shard something. One whose intake is full is not told; the deadline is for that too.
fn tell(shards: &[Seat], what: impl Fn() -> Intake) {
    for shard in shards {
        drop(shard.intake.try_send(what()));
    }
}

/// A shard, seen from outside its thread.
struct Seat {
    intake: mpsc::Sender<Intake>,
    /// How many connections it has, those in their handshake too.
    taken: Places,
    thread: JoinHandle<()>,
}

impl Seat {
    /// The way for questions. One whose intake is full is not asked.
    fn way(&self) -> Way {
        let intake = self.intake.clone();
        Box::new(move |inquiry| intake.try_send(Intake::Inquire(inquiry)).is_ok())
    }

    fn start(
        shared: &Arc<Shared>,
        metrics: &Arc<Metrics>,
        (node, index): (NodeId, usize),
        limits: ShardLimits,
    ) -> anyhow::Result<Self> {
        let (intake, sockets) = mpsc::channel(INTAKE_SOCKETS);
        let (inbox, events) = inbox(INBOX_EVENTS);
        let listener = shared.engine.attach(inbox);
        let name = (
            node,
            u16::try_from(index).context("more shards than 65,535")?,
        );
        let (shared, metrics) = (Arc::clone(shared), Arc::clone(metrics));
        let thread = std::thread::Builder::new()
            .name(format!("shard-{index}"))
            .spawn(move || {
                run_shard(
                    (&shared, &metrics),
                    name,
                    (listener, events),
                    (sockets, limits),
                );
            })
            .context("cannot start a shard's thread")?;
        Ok(Self {
            intake,
            taken: Places::new(usize::MAX),
            thread,
        })
    }
}

/// One shard's thread, from beginning to end.
fn run_shard(
    (shared, metrics): (&Arc<Shared>, &Metrics),
    name: (NodeId, u16),
    (listener, events): (Listener, Events),
    (sockets, limits): (mpsc::Receiver<Intake>, ShardLimits),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a second runtime can be made where the first was");
    let encoder = Rc::new(Encoder::new(shared.transport.compress_from));
    let engine = Arc::clone(&shared.engine);
    let memory = Arc::clone(&shared.counts.memory);
    let shard = Shard::new(
        name,
        (engine, listener),
        Rc::clone(&encoder) as _,
        limits,
        memory,
    );
    metrics.watch(shard.stats());
    let worker = Worker::new(Arc::clone(shared), Rc::clone(&shard), encoder);
    LocalSet::new().block_on(&runtime, async move {
        tokio::task::spawn_local(async move { shard.run(events).await });
        worker.run(sockets).await;
    });
}

/// Where connections come in.
struct Door {
    shards: Rc<[Seat]>,
    shared: Arc<Shared>,
    connections_max: usize,
}

impl Door {
    /// Hands every socket to the shard that has the fewest.
    async fn keep(self, listener: tokio::net::TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // The shard's own runtime registers it again.
                    let handed = stream.into_std().map(|stream| self.hand_over(stream, peer));
                    if let Ok(Err(refused)) = handed {
                        self.shared.refused(peer.ip(), &refused);
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn hand_over(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), Refused> {
        let taken = |seat: &Seat| seat.taken.taken();
        let full = |what: &'static str| Cause::Full.because(what);
        if self.shards.iter().map(taken).sum::<usize>() >= self.connections_max {
            return Err(full("the server has as many connections as allowed"));
        }
        let seat = self.shards.iter().min_by_key(|seat| taken(seat));
        let free = seat.and_then(|seat| Some((seat, seat.taken.take()?)));
        let Some((seat, place)) = free else {
            return Err(full("no shard has a place"));
        };
        // A peer that has gone already is nobody to be refused.
        if prepare(&stream).is_ok() {
            let stream = Intake::Stream(stream, peer, place);
            if seat.intake.try_send(stream).is_err() {
                return Err(full("more sockets come than the shards take in"));
            }
        }
        Ok(())
    }
}

/// Small messages leave at once, and a peer that acknowledges nothing is given up.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

/// Errors that say something of the connection that was to be accepted, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

fn bind(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in &config.listen {
        match bind_one(*address) {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 is no reason not to try things.
            Err(error)
                if config.mode == Mode::Development
                    && address.is_ipv6()
                    && config.listen.len() > 1 =>
            {
                tracing::warn!(%address, %error, "cannot listen on IPv6");
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("cannot listen on {address}; is another server running there?")
                });
            }
        }
    }
    Ok(listeners)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        None,
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
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

async fn sweep(engine: Arc<MemoryEngine>, node: NodeId) {
    let mut interval = tokio::time::interval(SWEEP_EVERY);
    loop {
        interval.tick().await;
        // First, so that a process that slept past the lease does not end its own members.
        if let Err(error) = engine.renew(node, LEASE).await {
            tracing::warn!(%error, "cannot renew the lease of this node's members");
        }
        engine.sweep();
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

/// Nobody is connected any more.
async fn emptied(shards: &[Seat]) {
    while shards.iter().any(|seat| seat.taken.taken() > 0) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// No shard runs any more.
async fn ended(shards: &[Seat]) {
    while shards.iter().any(|seat| !seat.thread.is_finished()) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn signaled(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
