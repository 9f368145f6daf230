//! An address that stays while the server behind it is another, or hears nothing more.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::HANG;

/// Passes connections on to the server that it is told of, as they are.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    swallowed: Receiver<()>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    /// What clients send is lost.
    swallows: AtomicBool,
}

impl Relay {
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, swallowed) = channel();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            swallows: AtomicBool::new(false),
        });
        let relay = Self {
            address,
            shared: Arc::clone(&shared),
            swallowed,
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = *shared.target.lock().unwrap();
                // Where nobody listens, the connection is closed at once.
                if let Ok(server) = TcpStream::connect(target) {
                    let (shared, tell) = (Arc::clone(&shared), tell.clone());
                    pass(&client, &server, move || shared.may_pass(&tell));
                    pass(&server, &client, || true);
                }
            }
        });
        relay
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that come from now on are for that server.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }

    /// Nothing that clients send from now on arrives.
    pub(crate) fn swallow(&self) {
        self.shared.swallows.store(true, Ordering::SeqCst);
    }

    /// Waits until something was sent that does not arrive.
    pub(crate) fn has_swallowed(&self) {
        self.swallowed.recv_timeout(HANG).unwrap();
    }
}

impl Shared {
    fn may_pass(&self, tell: &Sender<()>) -> bool {
        let swallows = self.swallows.load(Ordering::SeqCst);
        if swallows {
            // The test may not want to know.
            tell.send(()).ok();
        }
        !swallows
    }
}

/// Passes on what comes and may pass, until one side has gone.
fn pass(from: &TcpStream, to: &TcpStream, may_pass: impl Fn() -> bool + Send + 'static) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            if may_pass() && to.write_all(&chunk[..count]).is_err() {
                break;
            }
        }
        // The other side may have ended, too.
        drop(to.shutdown(Shutdown::Both));
        drop(from.shutdown(Shutdown::Both));
    });
}
