//! One connection that speaks v2, by a codec that is not ours.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_websockets::{ClientBuilder, Message, Payload, WebSocketStream};

/// Who takes nothing for so long, or lets nobody in, is not there.
const PATIENCE: Duration = Duration::from_secs(4);

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    socket: WebSocketStream<TcpStream>,
    encoding: Encoding,
    heard_at: Instant,
}

/// Why a connection is no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The network, or the other side, has ended it.
    #[error("{0}")]
    Ended(String),
    /// Nothing was heard for too long.
    #[error("silence")]
    Silent,
    /// What came is not what the protocol allows. That is a fault of the server.
    #[error("{0}")]
    Nonsense(String),
}

impl Link {
    pub(super) async fn open(address: SocketAddr, encoding: Encoding) -> Result<Self, Lost> {
        let subprotocol = match encoding {
            Encoding::Json => "tautline.v2.json",
            Encoding::MessagePack => "tautline.v2.msgpack",
        };
        let open = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let builder = ClientBuilder::new()
                .uri("ws://tautline.test/")
                .expect("this is one")
                .add_header(
                    SEC_WEBSOCKET_PROTOCOL,
                    HeaderValue::from_static(subprotocol),
                )?;
            builder.connect_on(stream).await
        };
        let (socket, _) = within(open).await?;
        Ok(Self {
            socket,
            encoding,
            heard_at: Instant::now(),
        })
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) async fn say(&mut self, message: &Envelope<ClientMessage<'_>>) -> Result<(), Lost> {
        let bytes = message.encode(self.encoding);
        let message = match self.encoding {
            Encoding::Json => Message::text(String::from_utf8(bytes).expect("JSON is UTF-8")),
            Encoding::MessagePack => Message::binary(bytes),
        };
        within(self.socket.send(message)).await
    }

    /// The next message. May be dropped and asked again.
    pub(super) async fn hear(&mut self) -> Result<Payload, Lost> {
        loop {
            let next = timeout_at(self.heard_at + PATIENCE, self.socket.next());
            let message = match next.await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Err(error.into()),
                Ok(None) => return Err(Lost::Ended("the end of the stream".to_owned())),
                Err(_) => return Err(Lost::Silent),
            };
            self.heard_at = Instant::now();
            match self.encoding {
                Encoding::Json if message.is_text() => return Ok(message.into_payload()),
                Encoding::MessagePack if message.is_binary() => return Ok(message.into_payload()),
                _ if message.is_text() || message.is_binary() => {
                    return Err(Lost::Nonsense("a frame of another kind".to_owned()));
                }
                _ => {}
            }
        }
    }
}

async fn within<T>(
    act: impl Future<Output = Result<T, tokio_websockets::Error>>,
) -> Result<T, Lost> {
    match timeout(PATIENCE, act).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Lost::Ended("patience".to_owned())),
    }
}

/// Bytes that were cut by a fault are still a prefix of right ones: what is wrong with them is the server's.
impl From<tokio_websockets::Error> for Lost {
    fn from(error: tokio_websockets::Error) -> Self {
        match error {
            tokio_websockets::Error::Protocol(wrong) => Self::Nonsense(wrong.to_string()),
            other => Self::Ended(other.to_string()),
        }
    }
}
