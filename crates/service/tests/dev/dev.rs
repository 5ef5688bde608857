//! The `dev` command as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Paths of a job: a tenth of the default, so that four books fit into a test.
pub(crate) const PATHS: &str = "100000";
/// A book is done within this on two busy cores.
const BOUND: Duration = Duration::from_secs(120);

pub(crate) struct Dev {
    child: Child,
    stderr: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Dev {
    /// Starts `dev` with its data below `folder`, and a PATH in which nothing is installed.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"))
            .arg("dev")
            .args(arguments)
            .env_clear()
            .env("SIMULATION_PATHS", PATHS)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dev starts");
        let (lines, stderr) = mpsc::channel();
        let pipe = BufReader::new(child.stderr.take().expect("stderr is piped"));
        std::thread::spawn(move || pipe.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Self { child, stderr, seen: Vec::new() }
    }

    /// The API's and the broker's addresses, once it serves.
    pub(crate) fn addresses(&mut self) -> (String, String) {
        let (mut api, mut broker) = (None, None);
        loop {
            let line =
                self.stderr.recv_timeout(BOUND).unwrap_or_else(|_| panic!("no addresses: {:?}", self.seen));
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("API"), Some(url)) => api = Some(url.trim_start_matches("http://").to_owned()),
                (Some("Kafka"), Some(address)) => broker = Some(address.to_owned()),
                _ => {}
            }
            self.seen.push(line);
            if let (Some(api), Some(broker)) = (&api, &broker) {
                return (api.clone(), broker.clone());
            }
        }
    }

    /// A bare HTTP GET.
    pub(crate) fn ask(&self, address: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("the API listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
            .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Waits until the database's write-ahead log has grown past the schema: jobs are in.
    pub(crate) fn wait_for_jobs(&self, folder: &Path, bound: Duration) {
        let began = Instant::now();
        let log = folder.join("data/monte-carlo.db-wal");
        while std::fs::metadata(&log).map_or(0, |file| file.len()) < 400_000 {
            assert!(began.elapsed() < bound, "no jobs in {}", log.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Waits for its end: status, stdout, stderr.
    pub(crate) fn finish(mut self) -> (ExitStatus, String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().expect("stdout is piped").read_to_string(&mut stdout).expect("it is UTF-8");
        let status = self.child.wait().expect("it is ours");
        self.seen.extend(self.stderr.iter());
        (status, stdout, self.seen.join("\n"))
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs a program with `input` on its stdin; what it prints.
pub(crate) fn pipe(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().expect("stdin is piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} {arguments:?}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
