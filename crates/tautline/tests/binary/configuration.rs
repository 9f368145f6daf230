//! What is wrong with a configuration is told before anything is started: all of it, with key, value and fix.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::harness::{Directory, Process, SECRET, Server};

/// The program refuses to start, and says all of these.
pub(super) fn refuses(config: &str, arguments: &[&str], says: &[&str]) {
    let listen = ["--listen", "127.0.0.1:0"];
    let mut process = Process::serve(config, &[&listen, arguments].concat(), "info");
    let (status, lines) = process.ended();
    let said = lines.join("\n");
    assert_eq!(status.code(), Some(78), "{config}\n{said}");
    for part in says {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn a_key_that_nobody_knows_is_refused() {
    refuses(
        "[server]\nlisten_on = \"127.0.0.1:8080\"",
        &[],
        &[
            "server.listen_on",
            "no such setting",
            "did you mean `server.listen`?",
        ],
    );
    refuses(
        "[sever]\nshards = 1",
        &[],
        &["sever.shards", "did you mean `server.shards`?"],
    );
}

#[test]
fn what_is_no_duration_is_refused() {
    for key in ["heartbeat.ping_every", "drain.window", "auth.timeout"] {
        let config = format!("{key} = \"soon\"");
        refuses(&config, &[], &[key, "\"soon\"", "write it like \"25s\""]);
    }
    refuses(
        "[[room]]\nmatch = \"*\"\nhistory_age = \"long\"",
        &[],
        &["history_age", "\"long\"", "write it like"],
    );
}

#[test]
fn an_interval_below_50_milliseconds_is_refused() {
    for key in [
        "auth.timeout",
        "heartbeat.ping_every",
        "heartbeat.dead_after",
        "presence.count_every",
        "server.handshake_timeout",
        "server.close_timeout",
    ] {
        let config = format!("{key} = \"49ms\"");
        refuses(&config, &[], &[key, "49ms", "write 50ms or more"]);
    }
}

#[test]
fn a_short_secret_is_refused_and_not_shown() {
    let mut process = Process::serve("auth.hs256_secret = \"too-short\"", &[], "info");
    let (status, lines) = process.ended();
    let said = lines.join("\n");
    assert_eq!(status.code(), Some(78));
    assert!(
        said.contains("auth.hs256_secret") && said.contains("openssl rand"),
        "{said}"
    );
    assert!(!said.contains("too-short"), "{said}");
}

#[test]
fn a_secret_beside_a_mistake_is_not_shown() {
    for config in [
        format!("[auth]\nhs256_secert = {SECRET:?}"),
        format!("[auth]\nhs256_secret = [{SECRET:?}]"),
        format!("auth = {{ hs256_secret = {SECRET:?}, timeuot = \"5s\" }}"),
        format!("[auth]\nhs256_secret = {SECRET:?} trailing"),
    ] {
        let mut process = Process::serve(&config, &[], "info");
        let (status, lines) = process.ended();
        let said = lines.join("\n");
        assert_eq!(status.code(), Some(78));
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn development_mode_off_loopback_is_refused() {
    for (config, option, address) in [
        ("", "--listen", "0.0.0.0:0"),
        ("", "--listen", "[::]:0"),
        ("", "--admin-listen", "0.0.0.0:0"),
    ] {
        let key = option.trim_start_matches("--").replace('-', "_");
        refuses(
            config,
            &["--dev", option, address],
            &[&key, address, "loopback only"],
        );
    }
}

#[test]
fn operators_beyond_this_machine_need_a_key() {
    refuses(
        "",
        &["--admin-listen", "0.0.0.0:0"],
        &[
            "server.admin_listen",
            "0.0.0.0:0",
            "tautline key",
            "admin.keys",
        ],
    );
}

#[test]
fn a_key_in_the_place_of_its_hash_is_refused_and_not_shown() {
    let key = "tlk_ci_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for written in [
        format!("[{key:?}]"),
        format!("{key:?}"),
        format!("[[{key:?}]]"),
    ] {
        let mut process = Process::serve(&format!("admin.keys = {written}"), &[], "info");
        let (status, lines) = process.ended();
        let said = lines.join("\n");
        assert_eq!(status.code(), Some(78));
        assert!(
            said.contains("admin.keys") && said.contains("tautline key"),
            "{said}"
        );
        assert!(!said.contains("0123456789"), "{said}");
    }
    let entry = format!("ci:{}", "0".repeat(64));
    let twice = format!("admin.keys = [{entry:?}, {entry:?}]");
    refuses(&twice, &[], &["admin.keys", "ci", "two keys have this id"]);
}

#[test]
fn an_operators_address_that_is_taken_is_told_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["--listen", "127.0.0.1:0", "--admin-listen", &address];
    let mut process = Process::serve("", &arguments, "info");
    let (status, lines) = process.ended();
    assert_eq!(status.code(), Some(1));
    let said = lines.join("\n");
    assert!(
        said.contains("server.admin_listen") && said.contains(&address),
        "{said}"
    );
}

#[test]
fn an_empty_text_switches_the_operators_listener_off() {
    let mut server = Server::production("server.admin_listen = \"\"");
    server.terminate();
    let (status, lines) = server.ended();
    assert_eq!(status.code(), Some(0));
    assert!(!lines.join("\n").contains("operators"), "{lines:?}");
    refuses(
        "server.admin_listen = \" \"",
        &[],
        &["server.admin_listen", "write it like"],
    );
}

#[test]
fn what_is_no_pattern_and_no_action_is_refused() {
    refuses(
        "[[room]]\nmatch = \"a*b\"",
        &[],
        &["room.match", "\"a*b\"", "a * at its end"],
    );
    refuses(
        "[[room]]\nmatch = \"a\"\neveryone = [\"dance\"]",
        &[],
        &["room.everyone", "\"dance\"", "choose from join, publish"],
    );
}

#[test]
fn what_a_server_could_not_bear_is_refused() {
    for (config, says) in [
        (
            "limits.message = 17_000_000",
            ["limits.message", "17000000", "16777216 or less"],
        ),
        (
            "auth.timeout = \"200 years\"",
            ["auth.timeout", "200 years", "at most"],
        ),
        (
            "drain.window = \"11s\"\ndrain.deadline = \"10s\"",
            ["drain.window", "11s", "drain.deadline"],
        ),
    ] {
        refuses(config, &[], &says);
    }
}

#[test]
fn a_system_without_a_file_for_a_single_client_is_refused() {
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 32; exec \"$0\" config check"])
        .arg(env!("CARGO_BIN_EXE_tautline"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    for part in ["limits.connections", "32 open files", "LimitNOFILE="] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn an_audit_log_where_others_write_is_refused() {
    let directory = Directory::new();
    std::fs::create_dir(&*directory).unwrap();
    std::fs::set_permissions(&*directory, Permissions::from_mode(0o770)).unwrap();
    let config = format!("audit.directory = {:?}", &*directory);
    let path = directory.display().to_string();
    refuses(&config, &[], &[&path, "others may write", "chmod go-w"]);
}

#[test]
fn a_frame_above_the_message_is_refused() {
    refuses(
        "[limits]\nmessage = 1000\nv1_frame = 1001",
        &[],
        &[
            "limits.v1_frame",
            "1001",
            "limits.message (1000)",
            "raise that too",
        ],
    );
}

#[test]
fn all_faults_are_told_at_once() {
    refuses(
        "heartbeat.ping_every = \"1ms\"\ndrain.window = \"x\"\nauth.hs256_secret = \"y\"\n\
         [[room]]\nmatch = \"\"\n[[room]]\nmatch = \"a\"\neveryone = [\"b\", \"c\"]",
        &[],
        &[
            "heartbeat.ping_every",
            "drain.window",
            "auth.hs256_secret",
            "room.match",
            "\"b\"",
            "\"c\"",
        ],
    );
}

#[test]
fn what_would_let_others_in_is_refused_with_a_line_for_each() {
    let config =
        "[server]\nallowed_origins = [\"*\"]\nproxy_protocol = true\n[auth]\ncookie = \"session\"";
    let mut process = Process::serve(config, &["--listen", "127.0.0.1:0"], "info");
    let (status, lines) = process.ended();
    assert_eq!(status.code(), Some(78));
    let [_, origins, proxies] = lines else {
        panic!("a line for each, below the first: {lines:?}");
    };
    for part in [
        "server.allowed_origins = [\"*\"]",
        "auth.cookie",
        "list the pages",
    ] {
        assert!(origins.contains(part), "{origins}");
    }
    for part in [
        "server.proxy_protocol = true",
        "needs server.trusted_proxies",
    ] {
        assert!(proxies.contains(part), "{proxies}");
    }
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_tautline"))
        .args(["serve", "--config", "/nowhere/tautline.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("/nowhere/tautline.toml") && said.contains("give --config a file"),
        "{said}"
    );
}

#[test]
fn help_shows_examples() {
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_tautline"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains("Examples:") && said.contains("tautline serve --dev"),
            "{said}"
        );
    }
}

#[test]
fn plain_text_beyond_this_machine_is_refused_unless_a_proxy_speaks_tls() {
    let open = ["--listen", "0.0.0.0:0"];
    refuses(
        "",
        &open,
        &["server.listen", "0.0.0.0:0", "tls.terminated_by_proxy"],
    );
    refuses(
        "tls.terminated_by_proxy = true",
        &open,
        &["tls.terminated_by_proxy", "server.trusted_proxies"],
    );
    let config = "tls.terminated_by_proxy = true\nserver.trusted_proxies = [\"10.0.0.0/8\"]";
    let mut server = Process::serve(config, &open, "info");
    server.find(|line| line.contains("listening").then_some(()));
}

#[test]
fn more_shards_than_any_machine_has_cores_are_refused() {
    refuses(
        "server.shards = 100000",
        &[],
        &["server.shards", "100000", "256 or less"],
    );
}

#[test]
fn a_fault_is_told_once() {
    let mut process = Process::serve("limits.message = 1", &[], "info");
    let said = process.ended().1.join("\n");
    assert_eq!(said.matches("limits.message = 1:").count(), 1, "{said}");
}

#[test]
fn a_secret_from_the_documentation_is_refused() {
    let secret = "auth.hs256_secret = \"at least 32 bytes that nobody else knows\"";
    refuses(
        secret,
        &[],
        &["auth.hs256_secret", "stands in the documentation"],
    );
}

#[test]
fn more_connections_than_the_system_has_descriptors_are_refused() {
    let config = "limits.connections = 4000000000";
    refuses(
        config,
        &[],
        &["limits.connections", "4000000000", "open files"],
    );
}

#[test]
fn a_file_that_others_write_or_a_secret_that_all_read_is_refused() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("access.toml");
    for (key, mode, says) in [
        ("auth.hs256_secret", 0o620, "chmod go-w"),
        ("auth.hs256_secret", 0o604, "chmod o-r"),
        ("\"auth.hs256_secret\"", 0o604, "chmod o-r"),
    ] {
        std::fs::write(&file, format!("{key} = {SECRET:?}")).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_tautline"))
            .args(["config", "check", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(78), "{mode:o}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
}
