//! A way to servers that come and go.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tautline_client::{Connector, Endpoint};
use tokio::net::TcpStream;

/// Leads each new connection to where it says at that moment, whatever the client's URL is.
#[derive(Clone)]
pub(super) struct Way(Arc<Mutex<Option<SocketAddr>>>);

impl Way {
    /// A URL for clients that go this way.
    pub(super) const URL: &str = "ws://tautline.test/ws";

    pub(super) fn to(address: SocketAddr) -> Self {
        Self(Arc::new(Mutex::new(Some(address))))
    }

    /// It leads nowhere.
    pub(super) fn nowhere() -> Self {
        Self(Arc::default())
    }

    /// New connections go there from now on.
    pub(super) fn lead(&self, address: SocketAddr) {
        *self.0.lock().unwrap() = Some(address);
    }

    /// New connections are refused from now on.
    pub(super) fn close(&self) {
        *self.0.lock().unwrap() = None;
    }

    pub(super) fn connector(&self) -> impl Connector + use<> {
        let to = Arc::clone(&self.0);
        move |_: Endpoint| {
            let to = *to.lock().unwrap();
            async move {
                let to = to.ok_or_else(|| io::Error::from(ErrorKind::ConnectionRefused))?;
                TcpStream::connect(to).await
            }
        }
    }
}
