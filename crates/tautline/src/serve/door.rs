//! Where connections come in: listeners, and the hand that gives each socket to a shard.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::seat::Seat;
use crate::cause::{Cause, Refused};
use crate::config::{Config, Mode};
use crate::transport::{Arrival, Intake, Shared};

/// So many connections wait to be accepted, in the kernel.
const BACKLOG: i32 = 4096;
/// How long nothing is accepted when the system has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long what was sent may go without the peer's system having it.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Where connections come in.
pub(super) struct Door {
    pub(super) shards: Rc<[Seat]>,
    pub(super) shared: Arc<Shared>,
    pub(super) connections_max: usize,
}

impl Door {
    /// Lets in who comes, from now on.
    pub(super) fn open(self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::task::spawn_local(self.keep(listener));
        Ok(())
    }

    /// Hands every socket to the shard that has the fewest.
    async fn keep(self, listener: tokio::net::TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // The shard's own runtime registers it again.
                    let handed = stream.into_std().map(|stream| self.hand_over(stream, peer));
                    if let Ok(Err(refused)) = handed {
                        self.shared.refused(peer.ip(), &refused, None);
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
        let present = self.shards.iter().map(taken).sum();
        if present >= self.connections_max {
            return Err(full("the server has as many connections as allowed"));
        }
        let seat = self.shards.iter().min_by_key(|seat| taken(seat));
        let free = seat.and_then(|seat| Some((seat, seat.taken.take()?)));
        let Some((seat, place)) = free else {
            return Err(full("no shard has a place"));
        };
        // A peer that has gone already is nobody to be refused.
        if prepare(&stream).is_ok() {
            let arrival = Arrival {
                stream,
                peer,
                place,
                present,
                at: Instant::now(),
            };
            if seat.intake.try_send(Intake::Stream(arrival)).is_err() {
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

pub(super) fn bind(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
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
