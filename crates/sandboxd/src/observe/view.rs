//! A sandbox as the kernel sees it at this moment: threads, timers, traffic. For `thaw check`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::recorder::Recorder;
use super::sent::SentView;

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    processes: Vec<Process>,
    /// Packets and bytes that left the sandbox or came in, loopback left out. Zero without a network.
    sent_packets: u64,
    sent_bytes: u64,
    received_bytes: u64,
    /// UDP, on the loopback too: a name that is resolved needs one.
    sent_datagrams: u64,
    /// Peers outside of TCP connections that are there now, or were closed a moment ago, each once.
    peers: Vec<String>,
    /// Null where the sandbox was made without, or it can't be read on this host.
    sent: Option<SentView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    name: String,
    threads: usize,
    /// How many threads have each name.
    thread_names: BTreeMap<String, usize>,
    /// POSIX timers and timerfds.
    timers: usize,
}

/// Looks at a sandbox. `pids`: all of its processes.
pub fn observe(pids: &[i32], recorder: Option<&Recorder>) -> Observed {
    let mut observed = Observed { sent: recorder.map(Recorder::view), ..Observed::default() };
    let mut has_network = false;
    for pid in pids {
        let dir = PathBuf::from("/proc").join(pid.to_string());
        let name = read(&dir.join("comm"));
        // The keeper and the supervisor are Thaw's.
        if name.is_empty() || is_ours(&dir) {
            continue;
        }
        if !has_network {
            has_network = true;
            observe_network(&dir, &mut observed);
        }
        observed.processes.push(observe_process(&dir, name));
    }
    observed
}

fn is_ours(dir: &Path) -> bool {
    let uids = read(&dir.join("status"));
    let is_root = uids.lines().any(|line| line.starts_with("Uid:\t0\t"));
    is_root
        || fs::read_link(dir.join("exe"))
            .is_ok_and(|exe| exe.ends_with("rapid/init") || exe.to_string_lossy().contains("thaw-supervisor"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).map(|text| text.trim_end().to_string()).unwrap_or_default()
}

fn observe_process(dir: &Path, name: String) -> Process {
    let mut thread_names = BTreeMap::new();
    for task in fs::read_dir(dir.join("task")).into_iter().flatten().flatten() {
        *thread_names.entry(read(&task.path().join("comm"))).or_default() += 1;
    }
    let posix = read(&dir.join("timers")).lines().filter(|line| line.starts_with("ID:")).count();
    let files = fs::read_dir(dir.join("fd")).into_iter().flatten().flatten();
    let timerfds = files
        .filter(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy() == "anon_inode:[timerfd]")
        })
        .count();
    Process { name, threads: thread_names.values().sum(), thread_names, timers: posix + timerfds }
}

fn observe_network(dir: &Path, observed: &mut Observed) {
    for line in read(&dir.join("net/dev")).lines().filter(|line| !line.trim_start().starts_with("lo:")) {
        let Some((_, numbers)) = line.split_once(':') else { continue };
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        if let [received, .., _, _, _, _, _, _, _] = numbers[..] {
            observed.received_bytes += received;
            observed.sent_bytes += numbers.get(8).copied().unwrap_or(0);
            observed.sent_packets += numbers.get(9).copied().unwrap_or(0);
        }
    }
    observed.sent_datagrams =
        sent_datagrams(&read(&dir.join("net/snmp"))) + sent_datagrams6(&read(&dir.join("net/snmp6")));
    for file in ["net/tcp", "net/tcp6"] {
        observed.peers.extend(read(&dir.join(file)).lines().skip(1).filter_map(outside_peer));
    }
    observed.peers.sort();
    observed.peers.dedup();
}

/// Finds the number by its name: the line `Udp: InDatagrams … OutDatagrams …`, then the line of numbers.
fn sent_datagrams(snmp: &str) -> u64 {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Udp: "));
    let (Some(names), Some(numbers)) = (lines.next(), lines.next()) else { return 0 };
    let place = names.split_whitespace().position(|name| name == "OutDatagrams");
    place.and_then(|place| numbers.split_whitespace().nth(place)?.parse().ok()).unwrap_or(0)
}

fn sent_datagrams6(snmp6: &str) -> u64 {
    let line = snmp6.lines().find_map(|line| line.strip_prefix("Udp6OutDatagrams"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// Reads `  0: 0100007F:1F90 0A00020A:01BB 01 …` as `10.2.0.10:443`. Listening sockets have no peer, loopback is
/// inside.
fn outside_peer(line: &str) -> Option<String> {
    let (address, port) = line.split_whitespace().nth(2)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // The kernel prints words of four bytes in the host's order.
    let words = address.as_bytes().chunks(8).map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let peer: std::net::IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    (port != 0 && !peer.is_loopback() && !peer.is_unspecified())
        .then(|| std::net::SocketAddr::new(peer, port).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_datagrams_by_the_names_of_the_columns() {
        let snmp = "Tcp: InSegs OutSegs\nTcp: 5 6\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 1 2 3 4 5\nUdpLite: OutDatagrams\nUdpLite: 9";
        assert_eq!(sent_datagrams(snmp), 4);
        assert_eq!(sent_datagrams("nonsense"), 0);
        assert_eq!(sent_datagrams6("Udp6InDatagrams                \t3\nUdp6OutDatagrams               \t7\n"), 7);
    }

    #[test]
    fn tells_peers_outside_from_those_inside() {
        let line = |peer: &str| format!("   0: 0100007F:1F90 {peer} 01 00000000:00000000");
        assert_eq!(outside_peer(&line("0A00020A:01BB")), Some("10.2.0.10:443".into()));
        assert_eq!(outside_peer(&line("0100007F:2329")), None);
        assert_eq!(outside_peer(&line("00000000:0000")), None);
        assert_eq!(outside_peer(&line("0000000000000000FFFF00000100007F:2329")), None);
        assert_eq!(outside_peer("nonsense"), None);
    }
}
