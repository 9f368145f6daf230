//! What each address does: how many connections it has, how often it begins one, how often it fails
//! to prove who it is.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tautline_protocol::model::{Bucket, Rate};

use super::stripes::{Stripes, share};
use crate::config::AddressLimits;

/// From so many addresses on, those that rest are forgotten.
const ADDRESSES_KEPT: usize = 262_144;

/// Failures are counted for so long.
const FAILURES_IN: Duration = Duration::from_mins(1);

/// Counts what addresses do. An IPv6 address counts with its /64, which one customer has as a whole.
pub(crate) struct Addresses {
    entries: Stripes<IpAddr, Entry>,
    limits: AddressLimits,
}

#[derive(Default)]
struct Entry {
    connections: usize,
    handshakes: usize,
    connects: Bucket,
    /// When the first of the failures was.
    failed_at: Option<Instant>,
    failures: usize,
    blocked_until: Option<Instant>,
}

/// An address does too much of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// So many of its handshakes go on already.
    Handshakes,
    /// It has as many connections as allowed.
    Connections,
    /// It begins connections too often.
    Connects {
        /// How long to wait.
        wait: Duration,
    },
    /// It has failed to prove who it is too often.
    Failures {
        /// How long to wait.
        wait: Duration,
    },
}

/// One of an address's places. It is free again when this is dropped.
pub(crate) struct AddressPlace {
    addresses: Arc<Addresses>,
    address: IpAddr,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Connection,
    Handshake,
}

impl Addresses {
    pub(crate) fn new(limits: AddressLimits) -> Arc<Self> {
        Arc::new(Self {
            entries: Stripes::default(),
            limits,
        })
    }

    /// Counts one that comes, or says what there is too much of.
    pub(crate) fn come(&self, address: IpAddr, now: Instant) -> Result<(), TooMuch> {
        self.with(counted(address), now, |entry| {
            entry.come(now, self.limits.connects)
        })
    }

    /// Counts one that comes, and takes a place for its handshake, or says what there is too much of.
    pub(crate) fn begin(
        self: &Arc<Self>,
        address: IpAddr,
        now: Instant,
    ) -> Result<AddressPlace, TooMuch> {
        let address = counted(address);
        self.with(address, now, |entry| {
            let most = self.limits.handshakes_max;
            if most.is_some_and(|max| entry.handshakes >= max) {
                return Err(TooMuch::Handshakes);
            }
            entry.come(now, self.limits.connects)?;
            entry.handshakes += 1;
            Ok(self.place(address, Kind::Handshake))
        })
    }

    /// Takes a place for a connection, or says what there is too much of.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        now: Instant,
    ) -> Result<AddressPlace, TooMuch> {
        let address = counted(address);
        self.with(address, now, |entry| {
            let most = self.limits.connections_max;
            if most.is_some_and(|max| entry.connections >= max) {
                return Err(TooMuch::Connections);
            }
            entry.connections += 1;
            Ok(self.place(address, Kind::Connection))
        })
    }

    /// Notes that somebody there has presented a wrong token.
    pub(crate) fn failed(&self, address: IpAddr, now: Instant) {
        let Some(failures_max) = self.limits.failures_max else {
            return;
        };
        self.with(counted(address), now, |entry| {
            let is_old = |at: Instant| now.saturating_duration_since(at) >= FAILURES_IN;
            if entry.failed_at.is_none_or(is_old) {
                (entry.failed_at, entry.failures) = (Some(now), 0);
            }
            entry.failures += 1;
            if entry.failures >= failures_max {
                (entry.failed_at, entry.failures) = (None, 0);
                entry.blocked_until = Some(now + self.limits.block);
            }
        });
    }

    fn place(self: &Arc<Self>, address: IpAddr, kind: Kind) -> AddressPlace {
        AddressPlace {
            addresses: Arc::clone(self),
            address,
            kind,
        }
    }

    fn with<T>(&self, address: IpAddr, now: Instant, act: impl FnOnce(&mut Entry) -> T) -> T {
        self.entries.with(&address, |entries| {
            if entries.len() >= share(ADDRESSES_KEPT) && !entries.contains_key(&address) {
                entries.retain(|_, entry| !entry.is_at_rest(now));
            }
            act(entries.entry(address).or_default())
        })
    }
}

impl Entry {
    fn come(&mut self, now: Instant, connects: Option<Rate>) -> Result<(), TooMuch> {
        let blocked = self
            .blocked_until
            .map(|until| until.saturating_duration_since(now));
        if let Some(wait) = blocked.filter(|wait| !wait.is_zero()) {
            return Err(TooMuch::Failures { wait });
        }
        let taken = self.connects.take(now, connects);
        taken.map_err(|wait| TooMuch::Connects { wait })
    }

    /// Whether nothing would be different if it were forgotten.
    fn is_at_rest(&self, now: Instant) -> bool {
        self.connections == 0
            && self.handshakes == 0
            && self.connects.is_rested(now)
            && self
                .failed_at
                .is_none_or(|at| now.saturating_duration_since(at) >= FAILURES_IN)
            && self.blocked_until.is_none_or(|until| until <= now)
    }
}

impl AddressPlace {
    /// Notes that the one in this place has presented a wrong token.
    pub(crate) fn note_failure(&self, now: Instant) {
        self.addresses.failed(self.address, now);
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        self.addresses.entries.with(&self.address, |entries| {
            if let Some(entry) = entries.get_mut(&self.address) {
                match self.kind {
                    Kind::Connection => entry.connections -= 1,
                    Kind::Handshake => entry.handshakes -= 1,
                }
            }
        });
    }
}

/// What an address counts as.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use tautline_protocol::model::Rate;

    use super::*;

    fn addresses() -> Arc<Addresses> {
        Addresses::new(AddressLimits {
            connections_max: Some(2),
            handshakes_max: Some(1),
            connects: Some(Rate {
                per_second: 1,
                burst: 3,
            }),
            failures_max: Some(2),
            block: Duration::from_mins(1),
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections() {
        let (addresses, now) = (addresses(), Instant::now());
        let first = addresses.enter(ip("192.0.2.1"), now).ok().unwrap();
        let second = addresses.enter(ip("::ffff:192.0.2.1"), now).ok().unwrap();
        let full = addresses.enter(ip("192.0.2.1"), now);
        assert_eq!(full.err(), Some(TooMuch::Connections));
        assert!(addresses.enter(ip("192.0.2.2"), now).is_ok());
        drop((first, second));
        assert!(addresses.enter(ip("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn an_address_comes_at_a_rate_whatever_becomes_of_it() {
        let (addresses, now) = (addresses(), Instant::now());
        let address = ip("192.0.2.1");
        assert_eq!(addresses.come(address, now), Ok(()));
        for _ in 0..2 {
            assert!(addresses.begin(address, now).is_ok());
        }
        let wait = Duration::from_secs(1);
        let often = addresses.begin(address, now);
        assert_eq!(often.err(), Some(TooMuch::Connects { wait }));
        assert_eq!(addresses.come(ip("192.0.2.2"), now), Ok(()));
        assert_eq!(addresses.come(address, now + wait), Ok(()));
    }

    #[test]
    fn an_ipv6_address_counts_with_its_network() {
        let (addresses, now) = (addresses(), Instant::now());
        let _one = addresses.begin(ip("2001:db8:1:2::3"), now).ok().unwrap();
        let full = addresses.begin(ip("2001:db8:1:2:ffff::1"), now);
        assert_eq!(full.err(), Some(TooMuch::Handshakes));
        assert!(addresses.begin(ip("2001:db8:1:3::3"), now).is_ok());
    }

    #[test]
    fn who_fails_too_often_waits() {
        let (addresses, now) = (addresses(), Instant::now());
        let address = ip("192.0.2.1");
        addresses.failed(address, now);
        let later = now + FAILURES_IN;
        addresses.failed(address, later);
        let forgotten = addresses.come(address, later);
        assert_eq!(forgotten, Ok(()), "the first is forgotten");
        addresses.failed(address, later);
        let wait = Duration::from_mins(1);
        let blocked = addresses.come(address, later);
        assert_eq!(blocked, Err(TooMuch::Failures { wait }));
        assert_eq!(addresses.come(address, later + wait), Ok(()));
    }

    #[test]
    fn addresses_that_rest_are_forgotten() {
        let (addresses, start) = (addresses(), Instant::now());
        for number in 0..2 * ADDRESSES_KEPT {
            let bits = u32::try_from(number).unwrap();
            let now = start + Duration::from_millis(number as u64);
            assert!(addresses.begin(IpAddr::V4(bits.into()), now).is_ok());
        }
        let kept = addresses
            .entries
            .with(&ip("192.0.2.1"), |entries| entries.len());
        assert!(kept <= share(ADDRESSES_KEPT));
    }
}
