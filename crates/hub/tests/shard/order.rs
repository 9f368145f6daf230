//! One room, one order, the same for everybody.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tautline_hub::ShardLimits;
use tokio::task::{LocalSet, yield_now};
use tokio::time::timeout;

use crate::delayed::Delayed;
use crate::house::{Guest, House, publish, run, settle};

#[test]
fn two_shards_hear_one_order() {
    run(async {
        let engine = Arc::<Delayed>::default();
        let open = |index| House::beside(&engine, index, (ShardLimits::default(), 8192));
        let houses = [open(0), open(1)];
        let mut guests = Vec::new();
        for house in &houses {
            guests.extend(house.guests_in("r", 3).await);
        }
        for nth in 0..300 {
            houses[nth % 2].publish("r", &nth.to_string()).await;
        }
        settle().await;
        let first = guests[0].peer.lines();
        assert_eq!(first.len(), 300);
        for guest in &guests {
            assert_eq!(guest.peer.lines(), first);
        }
    });
}

/// What each of three guests of one shard got, on a thread of its own, while it published too.
fn on_a_thread(engine: &Arc<Delayed>, index: u16) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(LocalSet::new().run_until(async {
        let house = House::beside(engine, index, (ShardLimits::default(), 8192));
        let guests = house.guests_in("r", 3).await;
        for nth in 0..500 {
            let data = format!("{index}:{nth}");
            publish(&**engine, "r", &data).await;
            if nth % 50 == 0 {
                yield_now().await;
            }
        }
        let last_of_all = |guest: &Guest| guest.offsets("r").last() == Some(&1000);
        let all_came = async {
            while !guests.iter().all(last_of_all) {
                yield_now().await;
            }
        };
        let patience = Duration::from_mins(1);
        timeout(patience, all_came).await.expect("all came");
        guests.iter().map(|guest| guest.peer.lines()).collect()
    }))
}

#[test]
fn two_threads_hear_one_order() {
    let engine = Arc::<Delayed>::default();
    let shards = [0, 1].map(|index| {
        let engine = Arc::clone(&engine);
        thread::spawn(move || on_a_thread(&engine, index))
    });
    let heard: Vec<Vec<String>> = shards
        .into_iter()
        .flat_map(|shard| shard.join().unwrap())
        .collect();
    let longest = heard.iter().max_by_key(|lines| lines.len()).unwrap();
    for lines in &heard {
        // A shard that came later begins later, and misses nothing from there on.
        assert!(longest.ends_with(lines));
    }
    assert_eq!(heard.len(), 6);
}
