//! Each fault, between a client and a server that repeats what it hears.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Direction, End, Kind, Plan, Proxy, Script};

/// A server that repeats what it hears, and sends no more when it hears no more.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
                drop(to.shutdown().await);
            });
        }
    });
    address
}

async fn proxy(plan: Plan) -> Proxy {
    let script = Script::of([plan]);
    Proxy::start(echo().await, script, 1).await.unwrap()
}

/// Says these words through the proxy, and no more; gives what came back, and how that ended.
async fn say(proxy: &Proxy, words: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let mut heard = Vec::new();
    let said = async {
        client.write_all(words).await?;
        client.shutdown().await?;
        client.read_to_end(&mut heard).await
    };
    let error = said.await.err();
    (heard, error.map(|error| error.kind()))
}

fn ends(direction: Direction, after: u64, end: End) -> Plan {
    Plan {
        end: Some((direction, after, end)),
        ..Plan::default()
    }
}

#[tokio::test]
async fn who_is_left_alone_notices_nothing() {
    let proxy = proxy(Plan::default()).await;
    let words = vec![7; 1_000_000];
    assert_eq!(say(&proxy, &words).await, (words, None));
    assert_eq!(proxy.tally().sum(), 0);
}

#[tokio::test]
async fn late_slow_and_single_bytes_arrive_all_and_in_order() {
    let late = Plan {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
        ..Plan::default()
    };
    let slow = Plan {
        bytes_per_second: Some(100_000),
        ..Plan::default()
    };
    let single = Plan {
        slices: true,
        ..Plan::default()
    };
    let words: Vec<u8> = (0..=255).cycle().take(5000).collect();
    for (plan, kind) in [
        (late, Kind::Delayed),
        (slow, Kind::Throttled),
        (single, Kind::Sliced),
    ] {
        let proxy = proxy(plan).await;
        assert_eq!(say(&proxy, &words).await, (words.clone(), None));
        assert_eq!((proxy.tally().times(kind), proxy.tally().sum()), (1, 1));
    }
}

#[tokio::test]
async fn a_cut_comes_behind_so_many_bytes_and_is_told_in_order() {
    let proxy = proxy(ends(Direction::Down, 3, End::Cut)).await;
    assert_eq!(say(&proxy, b"words").await, (b"wor".to_vec(), None));
    assert_eq!(proxy.tally().times(Kind::Cut), 1);
    assert_eq!(
        say(&proxy, b"words").await,
        (b"words".to_vec(), None),
        "the next is left alone"
    );
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let proxy = proxy(ends(Direction::Up, 3, End::Reset)).await;
    let (_, error) = say(&proxy, b"words").await;
    assert_eq!(error, Some(ErrorKind::ConnectionReset));
    assert_eq!(proxy.tally().times(Kind::Reset), 1);
}

#[tokio::test]
async fn what_is_sent_into_a_stall_goes_nowhere_and_the_other_way_goes_on() {
    let proxy = proxy(ends(Direction::Up, 3, End::Stall)).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"words").await.unwrap();
    let mut heard = [0; 3];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"wor");
    // More than any buffer on the way holds: it is taken, and nobody hears it.
    client.write_all(&vec![7; 10_000_000]).await.unwrap();
    assert_eq!(proxy.tally().times(Kind::Stalled), 1);
    let nothing = client.try_read(&mut heard);
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn who_is_refused_or_left_in_silence_reaches_nobody() {
    let refused = proxy(Plan {
        refuses: true,
        ..Plan::default()
    });
    let (heard, error) = say(&refused.await, b"words").await;
    assert!(heard.is_empty() && error.is_some(), "{error:?}");

    let silent = proxy(Plan {
        is_silent: true,
        ..Plan::default()
    });
    let silent = silent.await;
    let mut client = TcpStream::connect(silent.address()).await.unwrap();
    client.write_all(&vec![7; 10_000_000]).await.unwrap();
    let nothing = client.try_read(&mut [0; 1]);
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_storm_resets_all_and_who_comes_behind_it_is_let_in() {
    let proxy = proxy(Plan::default()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        client.write_all(b"x").await.unwrap();
        client.read_exact(&mut [0; 1]).await.unwrap();
        clients.push(client);
    }
    proxy.reset_all();
    for mut client in clients {
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    proxy.lead_to(echo().await);
    assert_eq!(say(&proxy, b"words").await, (b"words".to_vec(), None));
}

#[tokio::test]
async fn one_seed_makes_the_same_plans() {
    let plans = |seed| {
        let mut script = Script::seeded(seed);
        (0..200).map(|_| script.next()).collect::<Vec<_>>()
    };
    assert_eq!(plans(1), plans(1));
    assert_ne!(plans(1), plans(2));
    let plans = plans(3);
    assert!(plans.iter().any(|plan| plan.refuses) && plans.iter().any(|plan| plan.end.is_none()));
}
