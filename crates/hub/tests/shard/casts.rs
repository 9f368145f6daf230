//! What is relayed reaches who follows the room and reads, and waits for nobody.

use bytes::Bytes;
use tautline_engine::{Cast, Engine as _};
use tautline_protocol::model::EventName;

use crate::house::{Guest, House, name, run, settle};
use crate::peer::{Takes, WORDLESS};

/// What a guest was sent, line by line.
fn heard(guest: &Guest) -> Vec<String> {
    let lines = guest.peer.lines().into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_cast_reaches_who_reads_and_has_words_for_it() {
    run(async {
        let house = House::open();
        let (reader, blocked) = (house.guest(), house.guest());
        let (wordless, elsewhere) = (house.guest_as(WORDLESS), house.guest());
        for guest in [&reader, &blocked, &wordless] {
            guest.enter("r").await;
        }
        elsewhere.enter("other").await;
        blocked.peer.takes.set(Takes::Nothing);
        house.publish("r", "x").await;
        settle().await;
        assert!(blocked.wake().blocked);
        let cast = Cast {
            event: EventName::parse("cursor").unwrap(),
            data: Bytes::from_static(b"1"),
            user: None,
            conflate: None,
        };
        house.engine.relay(&name("r"), cast).await.unwrap();
        settle().await;
        blocked.takes(Takes::All);
        settle().await;
        assert_eq!(heard(&reader), ["p r 1 x", "c r"]);
        assert_eq!(heard(&blocked), ["p r 1 x"]);
        assert_eq!(heard(&wordless), ["p r 1 x"]);
        assert!(heard(&elsewhere).is_empty());
    });
}
