//! A disk that does not keep what it was given: a sync of the store fails.
//!
//! The store is on a file system in a file that is larger than the memory that it is in. The file system has room, so that
//! every write is taken; the device has none, so that one day a sync fails.

use tautline_engine::embedded::EmbeddedEngine;
use tautline_engine::{Draft, Engine, EngineError, Range};
use tautline_protocol::model::Position;

use crate::power::Home;
use crate::volume::{self, Volume};
use crate::{TERMS, draft, open, room, tell};

const INNER_BYTES: u64 = 128 << 20;
const OUTER_BYTES: u64 = 24 << 20;

/// So much of each publication is filling.
const FILLING: usize = 20_000;

pub(crate) fn judge() {
    let home = Home::new("failing");
    let outer = Volume::in_memory(OUTER_BYTES, &home.0.join("outer"));
    let image = outer.path().join("inner.img");
    volume::format(&image, INNER_BYTES);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let inner = Volume::mount(&image, &home.0.join("inner"));
    let engine = open(&inner.path().join("store"));
    let answered = runtime.block_on(until_it_fails(&engine));
    drop(engine);
    drop(inner);

    // The disk is replaced by a larger one with the same on it.
    outer.resize(2 * INNER_BYTES);
    let inner = Volume::mount(&image, &home.0.join("inner"));
    let engine = open(&inner.path().join("store"));
    runtime.block_on(is_all_there(&engine, &answered));
    drop(engine);
    drop(inner);
    tell(&format!(
        "a sync failed behind {} publications: nothing was answered after it, and nothing lost",
        answered.len()
    ));
}

/// Publishes until the disk does not keep it, and shows that nothing is answered from then on.
async fn until_it_fails(engine: &EmbeddedEngine) -> Vec<Position> {
    let mut answered = Vec::new();
    let error = loop {
        match engine
            .publish(&room(0), filled(answered.len()), TERMS)
            .await
        {
            Ok(published) => answered.push(published.position),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EngineError::Unavailable(_)), "{error:?}");
    assert!(
        engine.failure().is_some(),
        "{error:?} {:?}",
        engine.take_notices()
    );
    let again = engine.publish(&room(0), draft("again"), TERMS).await;
    assert!(
        matches!(again, Err(EngineError::Unavailable(_))),
        "{again:?}"
    );
    answered
}

async fn is_all_there(engine: &EmbeddedEngine, answered: &[Position]) {
    let range = Range::Last { limit: 100_000 };
    let page = engine.read(&room(0), range).await.unwrap();
    assert!(page.publications.len() >= answered.len());
    for (number, (found, position)) in page.publications.iter().zip(answered).enumerate() {
        assert_eq!(found.position, *position);
        assert_eq!(found.data, filled(number).data);
    }
}

/// A publication that is large, and unlike all others.
fn filled(number: usize) -> Draft {
    Draft {
        data: format!("\"{number:0FILLING$}\"").into(),
        ..draft(&number.to_string())
    }
}
