//! Panics. Each is a bug that has ended one connection, or a thread: it is logged as everything else is, and
//! counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Has every panic of the process noted from here on.
pub(crate) fn note_all() {
    panic::set_hook(Box::new(note));
}

/// How many panics were noted.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn note(panic: &PanicHookInfo<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    // Words that the program has ready are its own. What is put together when it panics may quote a client.
    let words = panic.payload().downcast_ref::<&'static str>();
    let place = panic.location().map(tracing::field::display);
    let backtrace = Backtrace::capture();
    let is_captured = backtrace.status() == BacktraceStatus::Captured;
    tracing::error!(
        place,
        words,
        thread = thread::current().name(),
        backtrace = is_captured.then(|| tracing::field::display(&backtrace)),
        "a bug: what was going on there has ended; please report this"
    );
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_without_what_a_client_said_and_counted() {
        let (lines, secret) = (Lines::default(), "hunter2");
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let before = count();
        let usual = panic::take_hook();
        note_all();
        tracing::subscriber::with_default(log, || {
            drop(panic::catch_unwind(|| panic!("cannot be: {secret}")));
            drop(panic::catch_unwind(|| panic!("cannot be")));
        });
        panic::set_hook(usual);
        let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [formatted, literal] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(formatted["place"].as_str().unwrap().contains("panics.rs:"));
        assert!(!formatted.to_string().contains(secret));
        assert_eq!(literal["words"], "cannot be");
        assert!(count() >= before + 2);
    }
}
