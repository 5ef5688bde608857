//! Processor time of the processes at Ray's side, by kind: what a request costs each of them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Of /proc/PID/stat, as the kernel fixes it for programs: USER_HZ.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of processor time so far, of this process and of each kind below process `root`.
pub(crate) fn seconds(root: u32) -> io::Result<BTreeMap<String, f64>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        // Gone meanwhile, or no process.
        if let Some(process) = process(&path) {
            all.insert(process.id, process);
        }
    }
    let mut seconds = BTreeMap::new();
    for process in all.values() {
        let mut above = process;
        let mut is_below = false;
        while let Some(parent) = all.get(&above.parent) {
            is_below |= parent.id == root;
            above = parent;
        }
        let kind = if process.id == std::process::id() { Some("the client") } else { kind(process) };
        if let (Some(kind), true) = (kind, is_below || process.id == std::process::id()) {
            *seconds.entry(kind.to_owned()).or_default() += process.seconds;
        }
    }
    Ok(seconds)
}

struct Process {
    id: u32,
    parent: u32,
    seconds: f64,
    command: String,
}

fn process(path: &Path) -> Option<Process> {
    let id = path.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(path.join("stat")).ok()?;
    // The name, in brackets, may hold blanks and brackets.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let command = fs::read(path.join("cmdline")).ok()?;
    Some(Process {
        id,
        parent: fields.get(1)?.parse().ok()?,
        seconds: ticks / TICKS_A_SECOND,
        command: String::from_utf8_lossy(&command).replace('\0', " "),
    })
}

fn kind(process: &Process) -> Option<&'static str> {
    let kinds = [
        ("ray::ProxyActor", "Serve's proxy"),
        ("haproxy", "HAProxy"),
        ("Health", "Health"),
        ("Simulations", "Simulations"),
    ];
    kinds.into_iter().find(|(part, _)| process.command.contains(part)).map(|(_, kind)| kind)
}
