//! Ray's processes, as `/proc` shows them.

use std::fs;
use std::process::Command;

/// What the titles of those begin with that simulate.
pub(crate) const REPLICA: &str = "ray::ServeReplica:monte-carlo:Simulations";

/// Those whose command has `part` in it, below `server`, the process that starts Ray.
pub(crate) fn below(server: u32, part: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("Linux has it").filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&pid| command(pid).contains(part) && is_below(pid, server)).collect()
}

/// A process's words, each ended by a zero; Ray's own name themselves.
pub(crate) fn command(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).into_owned()
}

/// Sends a signal to one process.
pub(crate) fn send(signal: &str, pid: u32) {
    Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill runs");
}

fn is_below(mut pid: u32, server: u32) -> bool {
    while pid > 1 && pid != server {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Behind the name in brackets come the state and the parent.
        let parent = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(1));
        pid = parent.and_then(|parent| parent.parse().ok()).unwrap_or(0);
    }
    pid == server
}
