//! The development page: a chat and a view of the wire, for trying rooms by hand.

/// A file of the page.
pub(crate) struct File {
    path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

const FILES: [File; 13] = [
    File {
        path: "/",
        content_type: HTML,
        content: include_str!("page/index.html"),
    },
    File {
        path: "/page.css",
        content_type: STYLE,
        content: include_str!("page/page.css"),
    },
    File {
        path: "/columns.css",
        content_type: STYLE,
        content: include_str!("page/columns.css"),
    },
    File {
        path: "/icon.svg",
        content_type: SVG,
        content: include_str!("page/icon.svg"),
    },
    File {
        path: "/page.js",
        content_type: SCRIPT,
        content: include_str!("page/page.js"),
    },
    File {
        path: "/connection.js",
        content_type: SCRIPT,
        content: include_str!("page/connection.js"),
    },
    File {
        path: "/close-codes.js",
        content_type: SCRIPT,
        content: include_str!("page/close-codes.js"),
    },
    File {
        path: "/badge.js",
        content_type: SCRIPT,
        content: include_str!("page/badge.js"),
    },
    File {
        path: "/rooms.js",
        content_type: SCRIPT,
        content: include_str!("page/rooms.js"),
    },
    File {
        path: "/room.js",
        content_type: SCRIPT,
        content: include_str!("page/room.js"),
    },
    File {
        path: "/log.js",
        content_type: SCRIPT,
        content: include_str!("page/log.js"),
    },
    File {
        path: "/raw.js",
        content_type: SCRIPT,
        content: include_str!("page/raw.js"),
    },
    File {
        path: "/snippet.js",
        content_type: SCRIPT,
        content: include_str!("page/snippet.js"),
    },
];

/// Nothing from elsewhere, nothing inline.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file at `path`.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use tautline_protocol::wire::{CloseCode, Retry};

    use super::*;

    #[test]
    fn the_page_does_after_each_close_what_the_table_of_codes_says() {
        let table = file("/close-codes.js").unwrap().content;
        for code in CloseCode::all() {
            let row = format!("[{}, {{", code.number());
            let row = table.lines().find(|line| line.trim().starts_with(&row));
            let then = match code.retry() {
                Retry::Always => "then: \"retry\"",
                Retry::ThreeTimes => "then: \"strikes\"",
                // The page has one token, and no new one.
                Retry::NewToken | Retry::Never => "then: \"final\"",
            };
            assert!(
                row.is_some_and(|row| row.contains(then)),
                "{code:?}: {row:?}"
            );
        }
    }
}
