//! TLS on the port of clients: what goes through it, who is refused, and how a certificate is renewed.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, Error, HandshakeKind, SupportedProtocolVersion};
use serde_json::{Value, json};

use super::configuration::refuses;
use super::harness::{
    Pair, Process, Secure, SecureClient, Server, Stream, replace, shake_hands, shake_hands_saying,
    trusting, upgrade,
};

/// Room for messages that are larger than what TLS takes at once, and as many as a test likes.
const LIMITS: &str = "[limits]\nmessage = 2000000\nv1_frame = 2000000\nrequest_rate = \"off\"\nconnect_rate = \"off\"\n";

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn config(pair: &Pair) -> Arc<ClientConfig> {
    Arc::new(trusting(&[pair.der()], &VERSIONS))
}

fn development(pair: &Pair, more: &str) -> Server {
    Server::logging(&format!("{}{LIMITS}{more}", pair.settings()), "debug")
}

fn echo(client: &mut SecureClient, nth: usize, payload: &str) {
    client
        .send(&json!({"type": "request", "method": "echo", "requestId": nth, "payload": payload}));
}

fn expect_echo(client: &mut SecureClient, nth: usize, payload: &str) {
    let answer = client.next();
    assert_eq!(answer["requestId"], nth);
    assert!(answer["payload"] == payload, "{nth} came back changed");
}

/// No two parts of it are alike, so that nothing can be lost or doubled unseen.
fn text(bytes: usize) -> String {
    let mut text = String::new();
    for nth in 0..=bytes / 7 {
        write!(text, "{nth:07}").unwrap();
    }
    text.truncate(bytes);
    text
}

#[test]
fn messages_of_every_size_come_back_as_they_were_over_both_versions() {
    let pair = Pair::new();
    let server = development(&pair, "");
    for version in VERSIONS {
        let config = Arc::new(trusting(&[pair.der()], &[version]));
        let mut client = SecureClient::secure(server.address(), &config);
        assert_eq!(
            client.stream().conn.protocol_version(),
            Some(version.version)
        );
        // Around the borders of frames, of records, of one write and of one read.
        let borders = [150, 1 << 14, 2 << 14, 3 << 14, 4 << 14];
        let near = borders
            .iter()
            .flat_map(|border| border - 150..border + 2)
            .step_by(19);
        for (nth, bytes) in [0, 1]
            .into_iter()
            .chain(near)
            .chain([1_000_000])
            .enumerate()
        {
            let payload = text(bytes);
            echo(&mut client, nth, &payload);
            expect_echo(&mut client, nth, &payload);
        }
        client.close();
    }
}

#[test]
fn a_burst_of_thousands_comes_back_whole_and_in_order() {
    let pair = Pair::new();
    let server = development(&pair, "");
    let mut client = SecureClient::secure(server.address(), &config(&pair));
    let requests: Vec<Value> = (0..3000)
        .map(|nth| json!({"type": "request", "method": "echo", "requestId": nth, "payload": text(nth % 100)}))
        .collect();
    client.send_together(&requests);
    for nth in 0..requests.len() {
        expect_echo(&mut client, nth, &text(nth % 100));
    }
}

#[test]
fn a_reader_that_rests_gets_everything_when_it_reads_again() {
    const MESSAGES: usize = 600;
    let pair = Pair::new();
    let more = "[outbox]\nbytes = 100000000\nmessages = 100000\n";
    let mut server = development(&pair, more);
    let mut client = SecureClient::secure(server.address(), &config(&pair));
    let payload = |nth: usize| text([10, 5_000, 100_000][nth % 3]);
    for nth in 0..MESSAGES {
        echo(&mut client, nth, &payload(nth));
    }
    for nth in 0..MESSAGES {
        expect_echo(&mut client, nth, &payload(nth));
    }
    client.assert_quiet();
    client.close();
    // It did rest: this is what the sockets did not hold.
    let ended = server.record("ended", |_| true);
    let peak = ended["bytes_queued_peak"].as_u64().unwrap();
    assert!(peak > 1_000_000, "only {peak} bytes ever waited");
}

#[test]
fn records_may_come_byte_by_byte_and_several_in_one() {
    let pair = Pair::new();
    let server = development(&pair, "");
    let mut client = SecureClient::secure(server.address(), &config(&pair));
    let mut frames = Vec::new();
    for nth in 0..3 {
        let request =
            json!({"type": "request", "method": "echo", "requestId": nth, "payload": text(300)});
        frames.extend(super::harness::text_frame(&request.to_string()));
    }
    let Secure { conn, sock } = client.stream();
    // Three records for the three thirds, which do not end where frames end.
    for part in frames.chunks(frames.len() / 3 + 1) {
        conn.writer().write_all(part).unwrap();
    }
    let mut records = Vec::new();
    while conn.wants_write() {
        conn.write_tls(&mut records).unwrap();
    }
    let (slowly, at_once) = records.split_at(records.len() / 2);
    for byte in slowly {
        sock.write_all(&[*byte]).unwrap();
    }
    sock.write_all(at_once).unwrap();
    for nth in 0..3 {
        expect_echo(&mut client, nth, &text(300));
    }
}

#[test]
fn keys_are_changed_on_the_way() {
    let pair = Pair::new();
    let server = development(&pair, "");
    let mut client = SecureClient::secure(server.address(), &config(&pair));
    for nth in 0..10 {
        client.stream().conn.refresh_traffic_keys().unwrap();
        echo(&mut client, nth, "after a change");
        expect_echo(&mut client, nth, "after a change");
    }
}

#[test]
fn what_follows_the_handshake_at_once_is_not_lost() {
    let pair = Pair::new();
    let server = development(&pair, "");
    // Request and first message leave in one write with the end of the handshake.
    let mut first = upgrade("/", "").into_bytes();
    first.extend(super::harness::text_frame(
        r#"{"type":"auth","token":"dev-token"}"#,
    ));
    let mut stream = shake_hands_saying(server.address(), &config(&pair), &first).unwrap();
    let mut heard = Vec::new();
    let mut some = [0; 1024];
    while !String::from_utf8_lossy(&heard).contains("auth_ok") {
        let read = stream.read(&mut some).unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend(&some[..read]);
    }
}

#[test]
fn a_plain_answer_ends_with_a_proper_goodbye() {
    let pair = Pair::new();
    let server = development(&pair, "");
    let mut stream = shake_hands(server.address(), &config(&pair)).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    // An end without close_notify would be an error here.
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"),
        "{answer}"
    );
}

#[test]
fn an_ending_tells_a_goodbye_of_tls_from_none() {
    for (says_goodbye, how) in [(true, "CloseNotify"), (false, "Fin")] {
        let pair = Pair::new();
        let mut server = development(&pair, "");
        let mut client = SecureClient::secure(server.address(), &config(&pair));
        let Secure { conn, sock } = client.stream();
        if says_goodbye {
            conn.send_close_notify();
            conn.complete_io(sock).unwrap();
        }
        sock.shutdown(Shutdown::Write).unwrap();
        let ended = server.record("ended", |_| true);
        assert_eq!(
            (&ended["how"], &ended["by"]),
            (&json!(how), &json!("Client"))
        );
    }
}

#[test]
fn who_comes_back_resumes_on_any_shard() {
    let pair = Pair::new();
    let server = development(&pair, "[server]\nshards = 2\n");
    for version in VERSIONS {
        let config = Arc::new(trusting(&[pair.der()], &[version]));
        let mut open = Vec::new();
        for nth in 0..4 {
            // Those that stay open have the next one go to the other shard.
            let mut client = SecureClient::secure(server.address(), &config);
            let expected = if nth == 0 {
                HandshakeKind::Full
            } else {
                HandshakeKind::Resumed
            };
            assert_eq!(
                client.stream().conn.handshake_kind(),
                Some(expected),
                "{nth}"
            );
            open.push(client);
        }
    }
}

#[test]
fn a_client_that_speaks_only_http_2_is_refused() {
    let pair = Pair::new();
    let mut server = development(&pair, "");
    let mut config = trusting(&[pair.der()], &VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let error = shake_hands(server.address(), &Arc::new(config.clone())).unwrap_err();
    let alert = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>());
    assert_eq!(
        alert,
        Some(&Error::AlertReceived(
            AlertDescription::NoApplicationProtocol
        ))
    );
    server.record("handshake refused", |record| record["cause"] == "tls");
    config.alpn_protocols.push(b"http/1.1".to_vec());
    SecureClient::secure(server.address(), &Arc::new(config)).assert_quiet();
}

#[test]
fn plain_text_is_refused_without_harm() {
    let pair = Pair::new();
    let mut server = development(&pair, "");
    let mut plain = Stream::connect(server.address());
    plain.write(upgrade("/", "").as_bytes());
    let answer = plain.rest();
    assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
    let refused = server.record("handshake refused", |record| record["cause"] == "tls");
    assert_eq!(
        refused["status"],
        Value::Null,
        "an alert is no answer of HTTP"
    );
    SecureClient::secure(server.address(), &config(&pair)).assert_quiet();
}

/// The first byte of a record that says what is wrong.
const ALERT: u8 = 21;

#[test]
fn a_handshake_that_stops_is_ended_by_the_deadline() {
    let pair = Pair::new();
    let mut server = development(&pair, "[server]\nhandshake_timeout = \"100ms\"\n");
    let mut stalled = Stream::connect(server.address());
    stalled.write(&[22, 3, 1]);
    assert_eq!(stalled.rest(), b"");
    server.record("handshake refused", |record| record["cause"] == "too_late");
    // Nor does a handshake that is done give more time for the request.
    let mut stream = shake_hands(server.address(), &config(&pair)).unwrap();
    let mut nothing = Vec::new();
    drop(stream.read_to_end(&mut nothing));
    assert_eq!(nothing, b"");
}

/// The certificate that a new connection is shown.
fn shown(server: &Server, pairs: &[&Pair]) -> Vec<u8> {
    let known: Vec<_> = pairs.iter().map(|pair| pair.der()).collect();
    let stream = shake_hands(server.address(), &Arc::new(trusting(&known, &VERSIONS))).unwrap();
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn a_new_certificate_is_for_new_connections_and_ends_no_old_one() {
    let (mut pair, before) = (Pair::new(), Pair::new());
    let server = development(&pair, "");
    let first = pair.der();
    let mut old = SecureClient::secure(server.address(), &config(&pair));
    drop(before);
    pair.renew();
    let known = trusting(&[first.clone(), pair.der()], &VERSIONS);
    let known = Arc::new(known);
    loop {
        let stream = shake_hands(server.address(), &known).unwrap();
        let seen = &stream.conn.peer_certificates().unwrap()[0];
        if *seen == pair.der() {
            break;
        }
        assert_eq!(*seen, first);
    }
    old.assert_quiet();
    old.close();
}

#[test]
fn a_new_certificate_that_cannot_be_used_is_not_used_and_told_of_once() {
    let (mut pair, other) = (Pair::new(), Pair::new());
    let mut server = Server::development(&pair.settings());
    let operators = server.operators();
    let first = pair.der();
    // The certificate is another, and the key is not.
    let another = std::fs::read_to_string(other.certificate()).unwrap();
    replace(&pair.certificate(), &another);
    let warning = server.record(
        "the certificate has changed and cannot be used: the old one is kept",
        |_| true,
    );
    let fault = warning["fault"].as_str().unwrap();
    assert!(
        fault.contains("is not the key of the certificate"),
        "{fault}"
    );
    let trusted = Arc::new(trusting(std::slice::from_ref(&first), &VERSIONS));
    let stream = shake_hands(server.address(), &trusted).unwrap();
    assert_eq!(stream.conn.peer_certificates().unwrap()[0], first);
    pair.renew();
    server.record("new connections get the new certificate", |_| true);
    assert_eq!(shown(&server, &[&pair]), pair.der().to_vec());
    let read = "tautline_certificates_read_total";
    for outcome in ["kept", "renewed"] {
        let times = operators.figure(&format!("{read}{{outcome=\"{outcome}\"}}"));
        assert_eq!(times, 1, "{outcome}");
    }
}

#[test]
fn one_file_without_the_other_is_refused() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let config = format!("tls.certificate = {certificate:?}");
    let says = [
        "tls.certificate",
        "certificate.pem",
        "set tls.key (or --tls-key)",
    ];
    refuses(&config, &[], &says);
    let arguments = ["--tls-key", key.to_str().unwrap()];
    let says = ["tls.key", "key.pem", "set tls.certificate (or --tls-cert)"];
    refuses("", &arguments, &says);
}

#[test]
fn files_that_cannot_be_used_are_refused_together() {
    let config = "[tls]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"";
    let says = [
        "tls.certificate = \"/nowhere/c.pem\": cannot be read",
        "tls.key = \"/nowhere/k.pem\": cannot be read",
    ];
    refuses(config, &[], &says);

    let pair = Pair::new();
    let sound = std::fs::read_to_string(pair.certificate()).unwrap();
    for (certificate, says) in [
        (String::new(), "holds no certificate"),
        (
            std::fs::read_to_string(pair.key()).unwrap(),
            "holds no certificate",
        ),
        (sound[..sound.len() / 2].to_owned(), "a section has no end"),
        (sound.replace("MII", "!!!"), "not in base64"),
        (
            sound.replace("MII", "AAA"),
            "its certificate number 1 cannot be read",
        ),
        (
            format!("{sound}{}", sound.replace("MII", "AAA")),
            "its certificate number 2 cannot be read",
        ),
        ("x".repeat(1024 * 1024 + 1), "is larger than 1 MiB"),
    ] {
        replace(&pair.certificate(), &certificate);
        refuses(
            &pair.settings(),
            &[],
            &["tls.certificate", "certificate.pem", says],
        );
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_and_not_shown() {
    let (pair, other) = (Pair::new(), Pair::new());
    let sound = std::fs::read_to_string(pair.key()).unwrap();
    let secret = sound.lines().nth(1).unwrap();
    for (key, says) in [
        (
            std::fs::read_to_string(other.key()).unwrap(),
            "is not the key of the certificate",
        ),
        (String::new(), "holds no key"),
        (
            sound.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            "is not encrypted",
        ),
        (sound.replace("MIG", "AAA"), "is no key that can be used"),
        (format!("-----BEGIN {secret}\n{sound}"), "is no PEM file"),
    ] {
        replace(&pair.key(), &key);
        let mut process = Process::serve(&pair.settings(), &[], "info");
        let (status, lines) = process.ended();
        let said = lines.join("\n");
        assert_eq!(status.code(), Some(78), "{said}");
        assert!(said.contains("tls.key") && said.contains(says), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn a_key_that_everybody_may_read_is_refused() {
    let pair = Pair::new();
    std::fs::set_permissions(pair.key(), Permissions::from_mode(0o604)).unwrap();
    refuses(&pair.settings(), &[], &["tls.key", "chmod o-r"]);
}

#[test]
fn a_certificate_and_a_proxy_are_refused_together() {
    let pair = Pair::new();
    let config = format!("{}terminated_by_proxy = true", pair.settings());
    refuses(
        &config,
        &[],
        &[
            "tls.terminated_by_proxy = true",
            "one of the two speaks TLS",
        ],
    );
}

#[test]
fn the_check_of_a_configuration_reads_the_files() {
    let pair = Pair::new();
    let check = |key: &Path| {
        Command::new(env!("CARGO_BIN_EXE_tautline"))
            .args(["config", "check", "--tls-cert"])
            .arg(pair.certificate())
            .arg("--tls-key")
            .arg(key)
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(check(&pair.key()), Some(0));
    assert_eq!(check(&pair.certificate()), Some(78));
}

#[test]
fn with_a_certificate_it_listens_for_everybody_and_arguments_win() {
    let pair = Pair::new();
    let config = format!(
        "{}[tls]\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"\n",
        super::harness::production("")
    );
    let mut process = Process::serve(
        &config,
        &[
            "--listen",
            "0.0.0.0:0",
            "--tls-cert",
            pair.certificate().to_str().unwrap(),
            "--tls-key",
            pair.key().to_str().unwrap(),
        ],
        "info",
    );
    process.find(|line| line.contains("\"tls\":true").then_some(()));
}
