//! When how many bytes of one direction pass, and when it ends. Pure: time is told, chance comes from a seed.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{Direction, End, Plan};

/// Slow bytes trickle: so many pieces in a second.
const PIECES_PER_SECOND: u32 = 20;

/// What a plan makes of one direction.
#[derive(Debug)]
pub(super) struct Shape {
    delay: Duration,
    jitter: Duration,
    bytes_per_second: Option<u32>,
    piece_max: usize,
    /// How many bytes pass before the end, and which.
    left: Option<(u64, End)>,
    /// Nothing passes before that; what passes stays in order.
    free: Option<Instant>,
    random: Rng,
}

/// The next bytes that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: usize,
    pub(super) at: Instant,
}

impl Shape {
    pub(super) fn new(plan: &Plan, direction: Direction, random: Rng) -> Self {
        let slow = |rate: u32| usize::try_from(rate / PIECES_PER_SECOND).unwrap_or(usize::MAX);
        let piece_max = if plan.slices {
            1
        } else {
            plan.bytes_per_second.map_or(usize::MAX, slow).max(1)
        };
        let end = plan.end.filter(|(ends, ..)| *ends == direction);
        Self {
            delay: plan.delay,
            jitter: plan.jitter,
            bytes_per_second: plan.bytes_per_second,
            piece_max,
            left: end.map(|(_, bytes, end)| (bytes, end)),
            free: None,
            random,
        }
    }

    /// How it ends now, if it does.
    pub(super) fn end(&self) -> Option<End> {
        self.left
            .and_then(|(bytes, end)| (bytes == 0).then_some(end))
    }

    /// What passes next of so many bytes that are there. None when it has ended.
    pub(super) fn pass(&mut self, there: usize, now: Instant) -> Option<Piece> {
        let mut bytes = there.min(self.piece_max);
        if let Some((left, _)) = &mut self.left {
            bytes = bytes.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= bytes as u64;
        }
        if bytes == 0 {
            return None;
        }
        let early = self.delay.saturating_sub(self.jitter);
        let late = now + early + self.jitter.mul_f64(2.0 * self.random.f64());
        let at = self.free.map_or(late, |free| free.max(late));
        let takes = self.bytes_per_second.map_or(Duration::ZERO, |rate| {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            Duration::from_secs(1) * bytes / rate
        });
        self.free = Some(at + takes);
        Some(Piece { bytes, at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    fn shape(plan: &Plan) -> Shape {
        Shape::new(plan, Direction::Up, Rng::with_seed(1))
    }

    fn ends(after: u64, end: End) -> Plan {
        Plan {
            end: Some((Direction::Up, after, end)),
            ..Plan::default()
        }
    }

    #[test]
    fn a_connection_that_is_left_alone_passes_all_at_once() {
        let (mut shape, now) = (shape(&Plan::default()), Instant::now());
        let whole = Piece {
            bytes: 5000,
            at: now,
        };
        assert_eq!(shape.pass(5000, now), Some(whole));
        assert_eq!(shape.end(), None);
    }

    #[test]
    fn it_ends_behind_exactly_so_many_bytes_and_one_way() {
        let (mut shape, now) = (shape(&ends(7, End::Cut)), Instant::now());
        let bytes = |piece: Option<Piece>| piece.map(|piece| piece.bytes);
        assert_eq!(bytes(shape.pass(5, now)), Some(5));
        assert_eq!(shape.end(), None);
        assert_eq!(bytes(shape.pass(5, now)), Some(2));
        assert_eq!(shape.end(), Some(End::Cut));
        assert_eq!(shape.pass(5, now), None);
        let mut other = Shape::new(&ends(7, End::Cut), Direction::Down, Rng::with_seed(1));
        assert_eq!(bytes(other.pass(5000, now)), Some(5000));
    }

    #[test]
    fn slow_bytes_take_their_time() {
        let plan = Plan {
            bytes_per_second: Some(1000),
            ..Plan::default()
        };
        let (mut shape, now) = (shape(&plan), Instant::now());
        let pieces: Vec<Piece> = (0..40).filter_map(|_| shape.pass(1000, now)).collect();
        assert!(pieces.iter().all(|piece| piece.bytes == 50));
        let last = pieces.last().unwrap().at - now;
        assert_eq!(last.as_millis(), 39 * 50);
    }

    proptest! {
        #[test]
        fn bytes_stay_in_order_and_within_their_delay(seed in any::<u64>(), delay in 0_u64..100, jitter in 0_u64..100) {
            let plan = Plan {
                delay: Duration::from_millis(delay),
                jitter: Duration::from_millis(jitter.min(delay)),
                slices: seed % 2 == 0,
                ..Plan::default()
            };
            let mut shape = Shape::new(&plan, Direction::Up, Rng::with_seed(seed));
            let begin = Instant::now();
            let mut before = begin;
            for turn in 0..50 {
                let now = begin + Duration::from_millis(turn);
                let piece = shape.pass(10, now).unwrap();
                prop_assert!(piece.at >= before);
                prop_assert!(piece.at >= now + plan.delay.saturating_sub(plan.jitter));
                let late = now.max(before) + plan.delay + plan.jitter;
                prop_assert!(piece.at <= late);
                before = piece.at;
            }
        }
    }
}
