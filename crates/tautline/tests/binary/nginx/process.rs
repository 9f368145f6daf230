//! nginx as a child process.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use super::super::harness::HANG;

/// A port that was free may be taken before nginx has it; so often another one is tried.
const TRIES: u32 = 10;

/// A running nginx, in one process. Killed when it is dropped.
pub(super) struct Nginx {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx with the configuration that listens at an address.
    pub(super) fn start(config: impl Fn(SocketAddr, &Path) -> String) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        for _ in 0..TRIES {
            let nth = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("nginx-{}-{nth}", std::process::id());
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::create_dir_all(&folder).unwrap();
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let path = folder.join("nginx.conf");
            fs::write(&path, config(address, &folder)).unwrap();
            let child = Command::new(std::env::var_os("NGINX").unwrap_or_else(|| "nginx".into()))
                .arg("-p")
                .arg(&folder)
                .arg("-c")
                .arg(&path)
                .args(["-e", "stderr", "-g"])
                .arg("daemon off; master_process off; pid nginx.pid;")
                .stdin(Stdio::null())
                .spawn()
                .expect("these tests need nginx: apt-get install nginx");
            let mut nginx = Self {
                child,
                folder,
                address,
            };
            if nginx.listens() {
                return nginx;
            }
        }
        panic!("nginx does not start");
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client connects to.
    pub(super) fn socket(&self) -> String {
        format!("ws://localhost:{}/ws", self.address.port())
    }

    /// Whether it listens; if not, it has ended.
    fn listens(&mut self) -> bool {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(begin.elapsed() < HANG, "nginx neither listens nor ends");
            thread::yield_now();
        }
        true
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already, and its folder is only in the way.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}
