//! The rules of sandboxes' networks, as nft reads them: those of the host, for all sandboxes of a block of addresses,
//! and the same once more inside each sandbox, where nobody on the host flushes them.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::network::{in_network_of, pipe_to};
use super::reach::HostPorts;

/// Link-local (most clouds' metadata), sandboxes, loopback; then metadata and wire servers outside of it: Alibaba,
/// Azure, Oracle.
const UNREACHABLE: &str = "169.254.0.0/16, 100.66.0.0/16, 127.0.0.0/8, 100.100.100.200, 168.63.129.16, 192.0.0.192";
const CONNTRACK_MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
const CONNTRACK_MAX_DEFAULT: u64 = 65_536;
/// Where packets go that must not leave: a connection is refused at once, as AWS refuses one to 169.254.169.254.
/// Libraries ask there whether they are on EC2, and would wait for seconds for an answer that can't come.
const REFUSE: &str = "chain refuse {\nmeta l4proto tcp reject with tcp reset;\ndrop; }\n";
/// Where the kernel has no such answer, nothing is answered.
const NO_ANSWER: &str = "chain refuse {\ndrop; }\n";
/// One sandbox may have this part of the table: as many as a host has sandboxes by default get half of it together.
const PART_OF_CONNTRACK: u64 = 200;
const CONNECTIONS_MIN: u64 = 256;
const CONNECTIONS_MAX: u64 = 4096;
/// Short where nothing is answered or all is over: a sandbox has a limited number of connections, and these count.
const TIMEOUTS: &str = "\
    ct timeout short-udp { protocol udp; l3proto ip; policy = { unreplied : 10, replied : 60 }; }\n\
    ct timeout short-tcp { protocol tcp; l3proto ip; policy = { syn_sent : 20, syn_recv : 20, fin_wait : 20, \
    close_wait : 60, last_ack : 10, time_wait : 10, close : 5 }; }\n";
const DELETE_ATTEMPTS: u32 = 5;

/// The facts that both kinds of rules are made from.
#[derive(Clone)]
pub struct Rules {
    /// Name of the table on the host.
    pub table: String,
    /// Beginning of the names of the sandboxes' devices on the host.
    pub devices: String,
    /// The sandboxes' addresses on the host's side.
    pub subnet: String,
    /// Networks that sandboxes may not reach, besides those that none may.
    pub denied: Vec<String>,
    pub host_ports: HostPorts,
    /// Devices between which the host did not forward before: it does not do so now.
    pub unforwarded: Vec<String>,
    pub has_timeouts: bool,
    /// The kernel can refuse a connection.
    pub has_refusals: bool,
    pub connections_max: u64,
}

/// Reads how many connections one sandbox may have at a time.
pub fn connections_max() -> u64 {
    let text = fs::read_to_string(CONNTRACK_MAX).unwrap_or_default();
    let most: u64 = text.trim().parse().unwrap_or(CONNTRACK_MAX_DEFAULT);
    (most / PART_OF_CONNTRACK).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

impl Rules {
    fn host_script(&self) -> String {
        let Rules { table, subnet, connections_max, .. } = self;
        let devices = format!("\"{}*\"", self.devices);
        let all_max = connections_max * PART_OF_CONNTRACK / 2;
        let (timeouts, set_timeouts) = self.timeouts(&format!("iifname {devices}"));
        let limit = format!(
            "iifname {devices} ct state new add @connections {{ iifname ct count over {connections_max} }} drop;\n"
        );
        format!(
            "table inet {table} {{}}\ndelete table inet {table}\n\
             table inet {table} {{\n{timeouts}\
             set connections {{ type ifname; size 1024; flags dynamic; }}\n\
             {refuse}{host_chains}\
             chain input {{ type filter hook input priority -10; policy accept;\n{to_host}\
               iifname {devices} goto refuse; }}\n\
             chain forward {{ type filter hook forward priority -10; policy accept;\n\
               iifname {devices} ip daddr {{ {UNREACHABLE} }} goto refuse;\n{denied}\
               iifname {devices} meta nfproto ipv6 goto refuse;\n{set_timeouts}\
               {limit}\
               iifname {devices} ct state new ct count over {all_max} drop;\n\
               oifname {devices} ct state established,related accept;\n\
               oifname {devices} drop;\n{unforwarded}}}\n\
             chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;\n\
               ip saddr {subnet} oifname != {devices} masquerade; }}\n}}\n",
            refuse = self.refuse(),
            host_chains = self.host_ports.host_chains(&devices, subnet),
            to_host = self.host_ports.host_input(&devices, &limit),
            denied = self.deny(&format!("iifname {devices}")),
            unforwarded = self.forward_as_before(),
        )
    }

    /// Rules for inside: what `oifname "eth0"` says is the way out, all else stays in the sandbox.
    fn inner_script(&self, host_addresses: &[Ipv4Addr]) -> String {
        let (timeouts, set_timeouts) = self.timeouts("");
        let host: String = host_addresses.iter().map(|address| format!("ip daddr {address} goto refuse;\n")).collect();
        format!(
            "table ip nat {{\n\
             chain post {{ type nat hook postrouting priority 100; oifname \"eth0\" masquerade; }}\n}}\n\
             table inet walls {{\n{timeouts}{refuse}\
             chain output {{ type filter hook output priority 0; policy accept;\n\
               oifname != \"eth0\" accept;\n\
               meta nfproto ipv6 goto refuse;\n{to_host}\
               ip daddr {{ {UNREACHABLE} }} goto refuse;\n{denied}{host}{set_timeouts}\
               ct state new ct count over {connections_max} drop; }}\n\
             chain input {{ type filter hook input priority 0; policy accept;\n\
               iifname != \"eth0\" accept;\n\
               ct state established,related accept;\n\
               drop; }}\n}}\n",
            refuse = self.refuse(),
            to_host = self.host_ports.inner_output(self.connections_max),
            denied = self.deny(""),
            connections_max = self.connections_max,
        )
    }

    /// A rule for each: they may overlap.
    fn deny(&self, condition: &str) -> String {
        self.denied.iter().map(|network| format!("{condition} ip daddr {network} goto refuse;\n")).collect()
    }

    fn refuse(&self) -> &str {
        if self.has_refusals {
            REFUSE
        } else {
            NO_ANSWER
        }
    }

    fn timeouts(&self, condition: &str) -> (&str, String) {
        if !self.has_timeouts {
            return ("", String::new());
        }
        let set =
            ["udp", "tcp"].map(|kind| format!("{condition} meta l4proto {kind} ct timeout set \"short-{kind}\";\n"));
        (TIMEOUTS, set.concat())
    }

    /// The host forwards for the sandboxes: not between devices that were there when it did not forward at all.
    fn forward_as_before(&self) -> String {
        if self.unforwarded.is_empty() {
            return String::new();
        }
        let names = self.unforwarded.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        format!("iifname {{ {names} }} oifname {{ {names} }} drop;\n")
    }

    /// Puts the host's table in place, whole or not at all. Without what the kernel does not have: time limits of
    /// connections, refusals, rates. Throws with the first reason.
    pub fn install(&mut self) -> io::Result<()> {
        let install = |rules: &Rules| pipe_to(Command::new("nft").args(["-f", "-"]), &rules.host_script());
        let Err(error) = install(self) else { return Ok(()) };
        let Some(less) = self.lesser().into_iter().find(|rules| install(rules).is_ok()) else { return Err(error) };
        if self.has_refusals && !less.has_refusals {
            thaw_stderr::tell!("sandboxd: the kernel can't refuse connections (nft_reject): functions wait for them");
        }
        if !self.host_ports.has_no_rates && less.host_ports.has_no_rates {
            thaw_stderr::tell!(
                "sandboxd: the kernel can't limit rates (nft_limit): a function reaches the service door as often as \
                 it likes"
            );
        }
        *self = less;
        Ok(())
    }

    /// Lists the same rules without one or more of the things that a kernel may lack, those that lack least first.
    fn lesser(&self) -> Vec<Rules> {
        let without = |lacks: u8| {
            let mut less = self.clone();
            less.has_timeouts &= lacks & 0b001 == 0;
            less.has_refusals &= lacks & 0b010 == 0;
            less.host_ports.has_no_rates |= lacks & 0b100 != 0;
            less
        };
        [0b001, 0b010, 0b100, 0b011, 0b101, 0b110, 0b111].map(without).to_vec()
    }

    /// Lists the host's table as it is, without what counts; none where there is no such table. Throws where nft can't
    /// be asked, which says nothing about the table.
    pub fn list(&self) -> io::Result<Option<String>> {
        let words = ["-s", "-t", "list", "table", "inet", &self.table];
        let listed = Command::new("nft").args(words).stderr(Stdio::null()).output()?;
        Ok(listed.status.success().then(|| String::from_utf8_lossy(&listed.stdout).into_owned()))
    }

    /// Puts the sandbox's own tables in place.
    pub fn install_inside(&self, pid: i32) -> io::Result<()> {
        let script = self.inner_script(&host_addresses());
        pipe_to(in_network_of(Command::new("nft").args(["-f", "-"]), pid)?, &script)
    }
}

/// Addresses of the host's devices at this moment.
pub fn host_addresses() -> Vec<Ipv4Addr> {
    let own = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let mut found: Vec<Ipv4Addr> =
        own.filter_map(|each| each.address.as_ref()?.as_sockaddr_in().map(|address| address.ip())).collect();
    // Those of sandboxes are refused as a network.
    found.retain(|address| !matches!(address.octets(), [100, 66, ..] | [127, ..]));
    found.sort_unstable();
    found.dedup();
    found
}

/// Deletes a table, and looks whether it has gone: nft may be interrupted by another's change.
pub fn delete_table(table: &str) {
    for _ in 0..DELETE_ATTEMPTS {
        let run = |verb: &str| {
            let words = [verb, "table", "inet", table];
            Command::new("nft").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status()
        };
        let deleted = run("delete");
        // One that nft could not be asked about may be there yet.
        if deleted.is_ok() && run("list").is_ok_and(|listed| !listed.success()) {
            return;
        }
    }
    thaw_stderr::tell!("sandboxd: the nftables table {table} could not be deleted");
}

/// Lists the tables of all sandboxds; none where nft can't be asked.
pub fn list_tables() -> String {
    let listed = Command::new("nft").args(["list", "tables"]).stderr(Stdio::null()).output();
    listed.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default()
}

/// Names the devices of the host that are neither its loopback nor a sandbox's.
pub fn other_devices() -> Vec<String> {
    let is_plain = |name: &String| name.chars().all(|each| each.is_ascii_alphanumeric() || "-_.@".contains(each));
    fs::read_dir(Path::new("/sys/class/net"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lo" && !name.starts_with("thw") && is_plain(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            table: "thaw0".into(),
            devices: "thw0-".into(),
            subnet: "100.66.0.0/20".into(),
            denied: vec!["10.0.0.0/8".into()],
            host_ports: HostPorts::default(),
            unforwarded: Vec::new(),
            has_timeouts: false,
            has_refusals: true,
            connections_max: 300,
        }
    }

    #[test]
    fn what_is_denied_is_denied_on_both_sides() {
        let rules = rules();
        let (host, inner) = (rules.host_script(), rules.inner_script(&[Ipv4Addr::new(192, 0, 2, 1)]));
        for text in ["10.0.0.0/8 goto refuse", "169.254.0.0/16", "100.66.0.0/16", "count over 300", "tcp reset"] {
            assert!(host.contains(text) && inner.contains(text), "{text}: {host} {inner}");
        }
        assert!(inner.contains("ip daddr 192.0.2.1 goto refuse"));
    }

    #[test]
    fn each_thing_that_a_kernel_may_lack_is_left_out_alone_before_others_are() {
        let mut rules = Rules { has_timeouts: true, ..rules() };
        rules.host_ports.door = Some(40_000);
        let lacks =
            |text: &str| rules.lesser().iter().map(|less| !less.host_script().contains(text)).collect::<Vec<bool>>();
        assert_eq!(lacks("ct timeout set"), [true, false, false, true, true, false, true]);
        assert_eq!(lacks("tcp reset"), [false, true, false, true, false, true, true]);
        assert_eq!(lacks("limit rate"), [false, false, true, false, true, true, true]);
    }

    #[test]
    fn a_kernel_without_refusals_drops_what_is_denied() {
        let rules = Rules { has_refusals: false, ..rules() };
        for script in [rules.host_script(), rules.inner_script(&[])] {
            assert!(script.contains("chain refuse {\ndrop; }") && !script.contains("reject"), "{script}");
        }
    }
}
