//! Places of which there are so many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Places of which there are so many.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// One place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }

    /// Takes a place, if there is one.
    pub(crate) fn take(&self) -> Option<Place> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        // Dropped at once where there is none, which gives it back.
        let place = Place(Arc::clone(&self.taken));
        (taken < self.most).then_some(place)
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_once_and_given_back() {
        let places = Places::new(1);
        let place = places.take();
        assert!(place.is_some() && places.take().is_none());
        assert_eq!(places.taken(), 1);
        drop(place);
        assert_eq!(places.taken(), 0);
        assert!(places.take().is_some());
    }
}
