//! One server process.

use crate::http::Http;
use std::fs::{File, OpenOptions};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The `holdfast` binary under test: `HOLDFAST_BIN`, else beside this test.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("HOLDFAST_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test has a path");
    let built = test
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("holdfast"))
        .unwrap_or_default();
    assert!(
        built.exists(),
        "build the server first: cargo build -p holdfast"
    );
    built
}

/// A TCP port that was free a moment ago.
///
/// # Panics
/// When the loopback has none.
#[must_use]
pub fn free_tcp_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

/// A UDP port that was free a moment ago.
///
/// # Panics
/// When the loopback has none.
#[must_use]
pub fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

/// One node: its files, and its process while it runs.
pub struct Node {
    /// Number, from 1.
    pub id: usize,
    /// Where clients reach it.
    pub api: String,
    /// Its configuration file.
    pub config: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// Where its standard error goes.
    pub log: PathBuf,
    pub(crate) child: Option<Child>,
}

impl Node {
    /// Starts the process.
    ///
    /// # Panics
    /// When it runs already or cannot be started.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "node {} runs already", self.id);
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("a log file");
        let child = Command::new(binary())
            .args(["server", "--die-with-parent", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_gone = child.kill();
            let _status = child.wait();
        }
    }

    /// Asks it to end (SIGTERM) and waits. Gives the exit code.
    ///
    /// # Panics
    /// When it does not run.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let pid = child.id().to_string();
        let status = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill");
        assert!(status.success());
        child.wait().expect("it ends").code()
    }

    /// Waits until the process ends by itself. Gives the exit code.
    ///
    /// # Panics
    /// When it does not run, or has not ended after twenty seconds.
    pub async fn ends_by_itself(&mut self) -> Option<i32> {
        let child = std::sync::Mutex::new(self.child.take().expect("it runs"));
        let ended = crate::until("the process to end", Duration::from_secs(20), || async {
            let mut child = child.lock().expect("one waiter");
            child
                .try_wait()
                .expect("it can be waited for")
                .ok_or("it runs")
        });
        ended.await.code()
    }

    /// Sends a signal by name.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    /// Process number.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Whether the process runs.
    #[must_use]
    pub const fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// A client without a token.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(&self.api)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
