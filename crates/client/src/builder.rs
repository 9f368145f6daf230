//! How a client is made.

use std::sync::Arc;

use tautline_protocol::client::{
    Program, QueueBounds, Retry, Session, Settings, Timeouts, TokenFailure, TokenReason,
};
use tautline_protocol::wire::Token;
use tautline_protocol::wire::v2::{Encoding, Label};

use crate::client::Client;
use crate::connector::Connector;
use crate::driver::{Driver, Way};
use crate::endpoint::{Endpoint, EndpointError};
use crate::headers::{HeaderError, Headers};
use crate::provider::Credentials;
use crate::shared::Shared;
use crate::tcp::Tcp;

/// A stream holds so many events that the application has not taken; messages beyond that become a gap.
const EVENTS_MAX: usize = 1024;

/// How a client is made; [`Builder::spawn`] makes it.
///
/// ```no_run
/// # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # fn run() -> Result<(), tautline_client::BuildError> {
/// use tautline_client::{Client, TokenFailure};
///
/// let client = Client::builder("wss://rt.example.com/ws")
///     .token_provider(|_reason| async {
///         let token = fetch_token().await;
///         token.map_err(|error| TokenFailure::Unavailable(error.to_string()))
///     })
///     .spawn()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until spawn"]
pub struct Builder {
    url: String,
    connector: Box<dyn Connector>,
    credentials: Credentials,
    headers: Result<Headers, HeaderError>,
    settings: Settings,
    events_max: usize,
}

/// Why a client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL is not that of a server.
    #[error(transparent)]
    Url(#[from] EndpointError),
    /// A header cannot be sent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The program's name or version is empty or too long.
    #[error("a program's name and version have 1 to 64 characters each")]
    Program,
    /// The token is too short to be one.
    #[error("a token has 8 characters or more")]
    Token,
    /// The system gives no random numbers, without which a client has no name of its own.
    #[error("the system has no random numbers")]
    NoRandomness,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        let program = Program {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        Self {
            url: url.to_owned(),
            connector: Box::new(Tcp::default()),
            credentials: Credentials::default(),
            headers: Ok(Headers::default()),
            settings: Settings::new(program, "".into()),
            events_max: EVENTS_MAX,
        }
    }

    /// Proves who is there with this token, for as long as it holds. For one that ends, see
    /// [`Builder::token_provider`].
    pub fn token(mut self, token: &str) -> Self {
        self.credentials = Credentials::Fixed(Token::new(token));
        self
    }

    /// Asks for a token whenever one is needed, and says why: before the first connection, before the one in use
    /// ends, and after it has ended or was refused. One question at a time, given up after
    /// [`Timeouts::token`].
    ///
    /// [`TokenFailure::Denied`] closes the client; [`TokenFailure::Unavailable`] has it try again later.
    pub fn token_provider<F, R>(mut self, provider: F) -> Self
    where
        F: Fn(TokenReason) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, TokenFailure>> + Send + 'static,
    {
        self.credentials = Credentials::of(provider);
        self
    }

    /// Which program this is, for the server's logs and metrics.
    pub fn program(mut self, name: &str, version: &str) -> Self {
        self.settings.program = Program {
            name: name.into(),
            version: version.into(),
        };
        self
    }

    /// Adds a header to the handshake. One that cannot be sent is told by [`Builder::spawn`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = self.headers.and_then(|mut headers| {
            headers.add(name, value)?;
            Ok(headers)
        });
        self
    }

    /// Gets its streams from there instead of from TCP and TLS.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Box::new(connector);
        self
    }

    /// When to come back.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// What may wait to be published.
    pub fn queue(mut self, queue: QueueBounds) -> Self {
        self.settings.queue = queue;
        self
    }

    /// How long to wait for what.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.timeouts = timeouts;
        self
    }

    /// Writes messages so: `MessagePack` unless told otherwise.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.settings.encoding = encoding;
        self
    }

    /// How many events a room's stream holds that the application has not taken: 1,024 unless told otherwise.
    pub fn events_max(mut self, events_max: usize) -> Self {
        self.events_max = events_max.max(1);
        self
    }

    /// Makes the client, which connects at once. Must be called within a tokio runtime, where the client's one
    /// task then lives.
    pub fn spawn(self) -> Result<Client, BuildError> {
        let mut settings = self.settings;
        let is_label = |text: &str| Label::new(text).is_some();
        let program = &settings.program;
        if !is_label(&program.name) || !is_label(&program.version) {
            return Err(BuildError::Program);
        }
        if let Credentials::Fixed(token) = &self.credentials
            && !token.is_plausible()
        {
            return Err(BuildError::Token);
        }
        let random = || getrandom::u64().or(Err(BuildError::NoRandomness));
        settings.producer = format!("{:016x}{:016x}", random()?, random()?).into();
        let encoding = settings.encoding;
        let (token, has_provider) = (self.credentials.token(), self.credentials.has_provider());
        let session = Session::new(settings, token, has_provider, random()?);
        let shared = Arc::new(Shared::new(session));
        let way = Way {
            endpoint: Endpoint::parse(&self.url)?,
            connector: self.connector,
            headers: self.headers?,
            encoding,
            credentials: self.credentials,
        };
        let driver = Driver::new(Arc::clone(&shared), Arc::new(way));
        tokio::spawn(driver.run());
        let client = Client::new(shared, self.events_max);
        client.connect();
        Ok(client)
    }
}
