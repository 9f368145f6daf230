//! Where tokens come from.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tautline_protocol::client::{TokenFailure, TokenReason};
use tautline_protocol::wire::Token;

/// A token that is being fetched. Dropping it gives up.
type Fetching = Pin<Box<dyn Future<Output = Result<Token, TokenFailure>> + Send>>;

/// Where tokens come from: the same one each time, or the application.
#[derive(Clone, Default)]
pub(crate) enum Credentials {
    /// The handshake proves who is there, or nobody needs to.
    #[default]
    None,
    /// One token, for as long as it holds.
    Fixed(Token),
    /// The application is asked.
    Provider(Arc<dyn Fn(TokenReason) -> Fetching + Send + Sync>),
}

impl Credentials {
    /// Has the application asked. Its tokens are wrapped, so that they are shown nowhere.
    pub(crate) fn of<F, R>(provider: F) -> Self
    where
        F: Fn(TokenReason) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, TokenFailure>> + Send + 'static,
    {
        Self::Provider(Arc::new(move |reason| {
            let token = provider(reason);
            Box::pin(async move { Ok(Token::new(&token.await?)) })
        }))
    }

    /// The token that there is without asking.
    pub(crate) fn token(&self) -> Option<Token> {
        match self {
            Self::Fixed(token) => Some(token.clone()),
            Self::None | Self::Provider(_) => None,
        }
    }

    /// Whether there is somebody to be asked.
    pub(crate) fn has_provider(&self) -> bool {
        matches!(self, Self::Provider(_))
    }

    /// Asks.
    pub(crate) fn fetch(&self, reason: TokenReason) -> Option<Fetching> {
        match self {
            Self::Provider(provider) => Some(provider(reason)),
            Self::None | Self::Fixed(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed",
            Self::Provider(_) => "Provider",
        })
    }
}
