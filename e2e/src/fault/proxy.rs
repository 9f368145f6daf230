//! The listener, and what becomes of the connections that it takes.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::pipe::{self, Finish};
use super::shape::Shape;
use super::{Direction, End, Kind, Plan, Script, Tally};

/// How long each side has to read that the other one sends no more.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// A proxy in front of a server. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Counts up when all connections are to be reset.
    storm: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: Mutex<SocketAddr>,
    script: Mutex<(Script, Rng)>,
    tally: Tally,
}

impl Proxy {
    /// Listens on a free port of loopback, on the runtime of whoever calls. The seed is for the jitter.
    pub async fn start(upstream: SocketAddr, script: Script, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: upstream.into(),
            script: (script, Rng::with_seed(seed)).into(),
            tally: Tally::default(),
        });
        let (storm, weather) = watch::channel(0);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), weather));
        Ok(Self {
            address,
            shared,
            storm,
            accepting,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server is there from now on.
    pub fn lead_to(&self, upstream: SocketAddr) {
        *lock(&self.shared.upstream) = upstream;
    }

    /// New connections get their plans from this.
    pub fn follow(&self, script: Script) {
        lock(&self.shared.script).0 = script;
    }

    /// Resets every connection that there is.
    pub fn reset_all(&self) {
        self.storm.send_modify(|storms| *storms += 1);
    }

    /// What has happened so far.
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Nothing that holds these locks panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, weather: watch::Receiver<u64>) {
    while let Ok((client, _)) = listener.accept().await {
        let (shared, weather) = (Arc::clone(&shared), weather.clone());
        tokio::spawn(async move { connection(&shared, client, weather).await });
    }
}

/// One connection, from beginning to end.
async fn connection(shared: &Shared, mut client: TcpStream, mut weather: watch::Receiver<u64>) {
    weather.mark_unchanged();
    let (plan, up, down) = shared.plan();
    shared.tally.begin(&plan);
    if plan.refuses {
        return reset(&client);
    }
    if plan.is_silent {
        tokio::select! {
            () = pipe::swallow(&mut client) => {}
            _ = weather.changed() => reset(&client),
        }
        return;
    }
    let upstream = *lock(&shared.upstream);
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        return reset(&client);
    };
    for stream in [&client, &server] {
        // Without it slices would wait for one another; a peer that is gone is noticed soon enough.
        drop(stream.set_nodelay(true));
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let finish = tokio::select! {
        finish = both(
            pipe::run((from_client, to_server), up, &shared.tally),
            pipe::run((from_server, to_client), down, &shared.tally),
        ) => finish,
        // Also when the proxy is gone.
        _ = weather.changed() => {
            shared.tally.count(Kind::Reset);
            Finish::Planned(End::Reset)
        }
    };
    match finish {
        Finish::Told => {}
        Finish::Planned(End::Cut) => cut([client, server]).await,
        Finish::Gone | Finish::Planned(End::Reset | End::Stall) => {
            reset(&client);
            reset(&server);
        }
    }
}

/// A direction that has come to its end in order leaves the other one alone; all else ends both.
async fn both(up: impl Future<Output = Finish>, down: impl Future<Output = Finish>) -> Finish {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (first, is_up) = tokio::select! {
        first = &mut up => (first, true),
        first = &mut down => (first, false),
    };
    match first {
        Finish::Told if is_up => down.await,
        Finish::Told => up.await,
        Finish::Gone | Finish::Planned(_) => first,
    }
}

/// Says to both that nothing more comes, and lets them read that: bytes that nobody reads would make a reset of it.
async fn cut(streams: [TcpStream; 2]) {
    for mut stream in streams {
        if stream.shutdown().await.is_ok() {
            drop(tokio::time::timeout(CUT_PATIENCE, pipe::swallow(&mut stream)).await);
        }
    }
}

/// Has the socket reset its connection when it is dropped.
fn reset(stream: &TcpStream) {
    // On an error the connection is gone already.
    drop(SockRef::from(stream).set_linger(Some(Duration::ZERO)));
}

impl Shared {
    /// The next connection's plan, and what it makes of each direction.
    fn plan(&self) -> (Plan, Shape, Shape) {
        let (script, random) = &mut *lock(&self.script);
        let plan = script.next();
        let up = Shape::new(&plan, Direction::Up, random.fork());
        let down = Shape::new(&plan, Direction::Down, random.fork());
        (plan, up, down)
    }
}
