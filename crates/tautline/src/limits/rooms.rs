//! How often is published in a room, by all together.

use std::time::{Duration, Instant};

use tautline_protocol::model::{Bucket, Rate, RoomName};

use super::stripes::{Stripes, share};

/// From so many rooms on, those that rest are forgotten.
const ROOMS_KEPT: usize = 65_536;

/// How much of its rate each room has used up.
#[derive(Default)]
pub(crate) struct Rooms {
    buckets: Stripes<RoomName, Bucket>,
}

impl Rooms {
    /// Takes one publication from the room's rate, or says how long to wait for it.
    pub(crate) fn take(
        &self,
        room: &RoomName,
        rate: Option<Rate>,
        now: Instant,
    ) -> Result<(), Duration> {
        if rate.is_none() {
            return Ok(());
        }
        self.buckets.with(room, |buckets| {
            if let Some(bucket) = buckets.get_mut(room) {
                return bucket.take(now, rate);
            }
            if buckets.len() >= share(ROOMS_KEPT) {
                buckets.retain(|_, bucket| !bucket.is_rested(now));
            }
            buckets.entry(room.clone()).or_default().take(now, rate)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_room_has_a_rate_of_its_own() {
        let (rooms, now) = (Rooms::default(), Instant::now());
        let rate = Some(Rate {
            per_second: 1,
            burst: 1,
        });
        let (a, b) = (RoomName::parse("a").unwrap(), RoomName::parse("b").unwrap());
        assert_eq!(rooms.take(&a, rate, now), Ok(()));
        assert_eq!(rooms.take(&a, rate, now), Err(Duration::from_secs(1)));
        assert_eq!(rooms.take(&b, rate, now), Ok(()));
    }

    #[test]
    fn rooms_that_rest_are_forgotten() {
        let (rooms, start) = (Rooms::default(), Instant::now());
        let rate = Some(Rate {
            per_second: 1000,
            burst: 1000,
        });
        for number in 0..2 * ROOMS_KEPT {
            let room = RoomName::parse(&format!("room:{number}")).unwrap();
            let now = start + Duration::from_millis(number as u64);
            assert_eq!(rooms.take(&room, rate, now), Ok(()));
        }
        let room = RoomName::parse("a").unwrap();
        let kept = rooms.buckets.with(&room, |buckets| buckets.len());
        assert!(kept <= share(ROOMS_KEPT));
    }
}
