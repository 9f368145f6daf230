//! What browsers are shown in development mode: the plain page, and the pages of a directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::configuration::refuses;
use super::harness::{Answer, Directory, Server, Stream};

const HTML: &str = "text/html; charset=utf-8";

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> Directory {
    let directory = Directory::new();
    for (name, content) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn server(pages: &Path) -> Server {
    Server::start("", &["--dev", "--pages", pages.to_str().unwrap()], "info")
}

fn ask(server: &Server, method: &str, path: &str) -> Answer {
    let mut stream = Stream::connect(server.address());
    let request = format!("{method} {path} HTTP/1.1\r\nHost: tautline.test\r\n\r\n");
    stream.write(request.as_bytes());
    stream.answer()
}

fn get(server: &Server, path: &str) -> Answer {
    ask(server, "GET", path)
}

/// What is served at a path: its type and its text.
fn shown(server: &Server, path: &str) -> (String, String) {
    let answer = get(server, path);
    assert_eq!(answer.status, 200, "{path}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'self';"),
        "{path}: {policy}"
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let content_type = answer.header("content-type").unwrap().to_owned();
    (content_type, answer.body)
}

/// Where a path sends who asks for it.
fn sent_to(server: &Server, path: &str) -> String {
    let answer = get(server, path);
    assert_eq!(answer.status, 307, "{path}");
    answer.header("location").unwrap().to_owned()
}

#[test]
fn without_pages_the_plain_page_is_the_one_to_go_to() {
    let server = Server::development("");
    assert_eq!(sent_to(&server, "/"), "/plain/");
    assert_eq!(sent_to(&server, "/plain"), "/plain/");
    let (content_type, page) = shown(&server, "/plain/");
    assert_eq!(content_type, HTML);
    assert!(page.contains("<html"), "{page}");
    for (name, content_type) in [
        ("page.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        assert!(page.contains(&format!("\"{name}\"")), "{name}");
        assert_eq!(shown(&server, &format!("/plain/{name}")).0, content_type);
    }
}

#[test]
fn files_of_a_directory_are_served_as_they_were_when_the_server_started() {
    let pages = directory(&[
        ("index.html", "all"),
        ("app.js", "run()"),
        ("style.css", "p {}"),
        ("chat/index.html", "chat"),
        ("chat/deep/data.json", "{}"),
        ("chat/notes", "as bytes"),
    ]);
    let server = server(&pages);
    for (path, content_type, content) in [
        ("/", HTML, "all"),
        ("/index.html", HTML, "all"),
        ("/?from=chat", HTML, "all"),
        ("/app.js", "text/javascript; charset=utf-8", "run()"),
        ("/style.css", "text/css; charset=utf-8", "p {}"),
        ("/chat/", HTML, "chat"),
        ("/chat/deep/data.json", "application/json", "{}"),
        ("/chat/notes", "application/octet-stream", "as bytes"),
    ] {
        let expected = (content_type.to_owned(), content.to_owned());
        assert_eq!(shown(&server, path), expected, "{path}");
    }
    assert_eq!(sent_to(&server, "/chat"), "/chat/");
    assert_eq!(get(&server, "/chat/deep/").status, 404);
    fs::write(pages.join("app.js"), "changed()").unwrap();
    assert_eq!(shown(&server, "/app.js").1, "run()");
}

#[test]
fn a_head_is_answered_as_a_get_without_its_body() {
    let pages = directory(&[("index.html", "seven b")]);
    let server = server(&pages);
    let head = ask(&server, "HEAD", "/");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("content-type"), Some(HTML));
    assert_eq!(head.header("content-length"), Some("7"));
    assert_eq!(ask(&server, "PUT", "/").status, 405);
}

#[test]
fn the_servers_own_paths_win_over_files() {
    let pages = directory(&[
        ("index.html", "all"),
        ("health", "fine, says a file"),
        ("plain/index.html", "a file"),
    ]);
    let server = server(&pages);
    assert_eq!(get(&server, "/health").body, "ok\n");
    assert!(shown(&server, "/plain/").1.contains("<html"));
}

#[test]
fn nothing_but_the_files_of_the_directory_is_served() {
    let place = directory(&[
        ("secret.txt", "not to be served"),
        ("pages/index.html", "all"),
        ("pages/chat/index.html", "chat"),
    ]);
    let pages = place.join("pages");
    symlink(place.join("secret.txt"), pages.join("link.txt")).unwrap();
    symlink(&*place, pages.join("above")).unwrap();
    let server = server(&pages);
    for path in [
        "/../secret.txt",
        "/chat/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/link.txt",
        "/above/secret.txt",
        "/chat/../index.html",
        "//",
        "/index.html/",
        "/index.html%00",
        "/%69ndex.html",
    ] {
        let answer = get(&server, path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.body.contains("not to be served"), "{path}");
    }
}

#[test]
fn a_directory_that_cannot_be_served_is_refused_with_the_reason() {
    let missing = Directory::new();
    let empty = directory(&[("chat/index.html", "no start page")]);
    let odd = directory(&[("index.html", ""), ("two words.js", "")]);
    let hidden = directory(&[("index.html", ""), (".env", "")]);
    let large = directory(&[("index.html", "")]);
    let file = fs::File::create(large.join("large.bin")).unwrap();
    file.set_len(16 * 1024 * 1024 + 1).unwrap();
    let many = directory(&[("index.html", "")]);
    for each in 0..1024 {
        fs::write(many.join(each.to_string()), "").unwrap();
    }
    for (pages, says) in [
        (&missing, "cannot be read"),
        (&empty, "has no index.html"),
        (&odd, "two words.js"),
        (&hidden, ".env"),
        (&large, "more than 16777216 bytes"),
        (&many, "more than 1024 files"),
    ] {
        let pages = pages.to_str().unwrap();
        refuses("", &["--dev", "--pages", pages], &["--pages", pages, says]);
    }
}

#[test]
fn pages_are_for_development_mode_alone() {
    let pages = directory(&[("index.html", "all")]);
    let pages = pages.to_str().unwrap();
    refuses(
        "",
        &["--pages", pages],
        &["--pages", "development mode", "--dev"],
    );
}
