//! What a connection takes of what there is only so much of, from its handshake to its end.

use std::time::Instant;

use tautline_protocol::model::Identity;
use tautline_protocol::server::Denied;

use crate::limits::{AddressPlace, Counts, Place, UserPlace};

/// What a connection takes. All of it is given back when this is dropped.
pub(super) struct Stay {
    _place: Place,
    /// None where the client's address is not known.
    address: Option<AddressPlace>,
    /// None before it is known whose connection it is.
    user: Option<UserPlace>,
}

impl Stay {
    pub(super) fn new(
        place: Place,
        address: Option<AddressPlace>,
        user: Option<UserPlace>,
    ) -> Self {
        Self {
            _place: place,
            address,
            user,
        }
    }

    /// Takes one of the user's places.
    pub(super) fn take_user_place(
        &mut self,
        counts: &Counts,
        identity: &Identity,
    ) -> Result<(), Denied> {
        let place = counts.users.enter(&identity.user);
        let place = place.map_err(|connections_max| Denied::TooMany { connections_max })?;
        self.user = Some(place);
        Ok(())
    }

    /// Notes that the client has presented a token that proves nobody.
    pub(super) fn note_failure(&self, now: Instant) {
        if let Some(address) = &self.address {
            address.note_failure(now);
        }
    }
}
