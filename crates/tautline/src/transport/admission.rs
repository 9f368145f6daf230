//! Whether one more connection is welcome: of its address, and of its user.

use std::net::IpAddr;

use tautline_protocol::model::Identity;
use tautline_protocol::server::Denied;
use tautline_protocol::wire::Token;

use super::Worker;
use super::client::Client;
use super::connection::now;
use crate::cause::{Cause, Refused};
use crate::limits::{AddressPlace, TooMuch, UserPlace};

/// A connection that is welcome, and the places that it has taken.
pub(super) struct Admitted {
    /// Who came.
    pub(super) from: IpAddr,
    /// Who it is, if that was proved by the handshake.
    pub(super) identity: Option<Identity>,
    pub(super) address: Option<AddressPlace>,
    pub(super) user: Option<UserPlace>,
}

impl Admitted {
    /// Takes a place for a handshake of the client's address, where that is known before the first byte.
    /// Who is not welcome then costs nothing more, and is not answered.
    pub(super) fn begin(worker: &Worker, client: Client) -> Result<Option<AddressPlace>, Refused> {
        let addresses = &worker.shared.counts.addresses;
        let begin = || addresses.begin(client.address, now().at).map_err(refused);
        client.is_known.then(begin).transpose()
    }

    /// Counts a client of which the headers told, where `before` nothing was known of it.
    pub(super) fn come(worker: &Worker, before: Client, client: Client) -> Result<(), Refused> {
        if before.is_known || !client.is_known {
            return Ok(());
        }
        let come = worker
            .shared
            .counts
            .addresses
            .come(client.address, now().at);
        come.map_err(refused)
    }

    /// Takes a place of the client's address, where that is known, and one of those who come.
    pub(super) fn new(worker: &Worker, client: Client) -> Result<Self, Refused> {
        let addresses = &worker.shared.counts.addresses;
        let enter = || addresses.enter(client.address, now().at).map_err(refused);
        let address = client.is_known.then(enter).transpose()?;
        let taken_in = worker.shared.counts.newcomers.take_in(now().at);
        taken_in.map_err(|wait| {
            Cause::AcceptRate
                .because("more connections come than the server takes in at once; come back later")
                .retry_after(wait)
        })?;
        Ok(Self {
            from: client.address,
            identity: None,
            address,
            user: None,
        })
    }

    /// Takes a place of the user whom the token proves.
    pub(super) fn proved(mut self, worker: &Worker, token: &Token) -> Result<Self, Refused> {
        let identity = worker.verify(token, None).map_err(|denied| {
            if let (Denied::Wrong, Some(address)) = (denied, &self.address) {
                address.note_failure(now().at);
            }
            let detail = format!(
                "{denied}; get a new one, or connect without and authenticate in the first message"
            );
            Cause::Token.because(detail)
        })?;
        let user = worker
            .shared
            .counts
            .users
            .enter(&identity.user)
            .map_err(|most| {
                let detail =
                    format!("this user has {most} connections, the most allowed; close one first");
                Cause::UserConnections.because(detail)
            })?;
        (self.identity, self.user) = (Some(identity), Some(user));
        Ok(self)
    }
}

fn refused(too_much: TooMuch) -> Refused {
    match too_much {
        TooMuch::Handshakes => {
            Cause::AddressHandshakes.because("too many handshakes at once from this address")
        }
        TooMuch::Connections => Cause::AddressConnections
            .because("your address has as many connections as allowed; close one first"),
        TooMuch::Connects { wait } => Cause::AddressConnects
            .because("your address begins connections too often; wait, and come back less often")
            .retry_after(wait),
        TooMuch::Failures { wait } => Cause::AddressFailures
            .because("too many wrong tokens came from your address; wait, and bring a right one")
            .retry_after(wait),
    }
}
