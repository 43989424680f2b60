//! The ports of the host that the operator lets functions reach: at one address, the same in every sandbox and clone,
//! which the host translates.
//!
//! ```text
//!  sandbox: 169.254.76.2:PORT ──veth──► prerouting: the named address ──► input: from 127.0.0.1, if it goes there
//! ```
//! A service that listens on the host's loopback sees a client of its own loopback: that is what databases of a
//! developer's machine trust. The server's own services have a port there, too, for those sandboxes to which they are
//! granted. All else to that address is refused, as all else to the host is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::process::Command;

use super::network::pipe_to;
use crate::names::HostPort;

/// Inside, the port of the server's service door: what runs there ignores any other (`https` without a port).
const DOOR_PORT: u16 = 443;
/// Inside, the port of the server's services: AWS's clients are told `http://169.254.76.2`, whatever the server's own
/// port is.
const SERVICES_PORT: u16 = 80;
/// The address behind `host.thaw.internal` (keeper/root.rs).
pub const HOST_ADDRESS: &str = "169.254.76.2";
const LOOPBACK: &str = "127.0.0.0/8";
/// How often one sandbox may connect to the door: each time is a TLS handshake of the server's, which hears all
/// functions, and more connections than the server takes end those of others. What is beyond it is dropped, so that
/// the sandbox's kernel asks again a second later.
const DOOR_RATE: &str = "limit rate over 5/second burst 10 packets";

#[derive(Clone, Default)]
pub struct HostPorts {
    /// For every sandbox.
    pub allowed: Vec<HostPort>,
    /// For the sandboxes to which one is granted.
    pub grantable: Vec<HostPort>,
    /// Where the server's service door listens on the host's loopback; none: it has not said so.
    pub door: Option<u16>,
    /// Where the server's services listen on the host's loopback; none: they are open to nobody.
    pub services: Option<u16>,
    /// By the sandbox's device on the host.
    pub granted: BTreeMap<String, Vec<HostPort>>,
    /// The devices of sandboxes that may reach the server's services.
    pub callers: BTreeSet<String>,
    /// The kernel can't count what comes in a second: the door is reached as often as a sandbox likes.
    pub has_no_rates: bool,
}

impl HostPorts {
    fn named(&self) -> impl Iterator<Item = &HostPort> {
        self.allowed.iter().chain(&self.grantable)
    }

    /// The operator's own service at that port keeps it.
    fn door(&self) -> Option<u16> {
        self.door.filter(|_| self.named().all(|each| each.port != DOOR_PORT))
    }

    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.grantable.is_empty() && self.door.is_none() && self.services.is_none()
    }

    /// Throws where an address is none of the host's.
    pub fn check(&self, host_addresses: &[Ipv4Addr]) -> io::Result<()> {
        match self.named().map(|each| each.address).find(|one| !one.is_loopback() && !host_addresses.contains(one)) {
            Some(wrong) => Err(io::Error::other(format!(
                "--allow-host {wrong}: no address of this host; functions reach other hosts without this option"
            ))),
            None => Ok(()),
        }
    }

    /// True where a packet to the host's loopback comes from a device that is not the loopback's.
    pub fn has_loopback(&self) -> bool {
        self.door.is_some() || self.services.is_some() || self.named().any(|each| each.address.is_loopback())
    }

    /// The host's chains, and the map of grants.
    pub fn host_chains(&self, devices: &str, subnet: &str) -> String {
        if self.is_empty() {
            return String::new();
        }
        let to_host = format!("iifname {devices} ip saddr {subnet} ip daddr {HOST_ADDRESS}");
        let allowed: String = self
            .allowed
            .iter()
            .map(|HostPort { address, port }| format!("{to_host} tcp dport {port} dnat ip to {address}\n"))
            .collect();
        let (comers, door) = self.door_chains(&to_host);
        let (set, services) = self.services_chains(subnet);
        let (map, by_grant) = if self.grantable.is_empty() {
            (String::new(), String::new())
        } else {
            let all: Vec<String> = self.granted.iter().map(|(device, ports)| elements(device, ports, true)).collect();
            let all = if all.is_empty() { String::new() } else { format!("elements = {{ {} }};", all.join(", ")) };
            (
                format!("map granted {{ type ifname . inet_service : ipv4_addr; {all} }}\n"),
                format!("{to_host} dnat ip to iifname . tcp dport map @granted\n"),
            )
        };
        format!(
            "{map}{set}{comers}chain prerouting {{ type nat hook prerouting priority dstnat; policy accept;\n\
             {allowed}{door}{services}{by_grant}}}\n\
             chain local {{ type nat hook input priority 100; policy accept;\n\
               iifname {devices} ct status dnat ip daddr {LOOPBACK} snat ip to 127.0.0.1; }}\n"
        )
    }

    /// The set of those who have come to the door, and the rules that lead them there.
    fn door_chains(&self, to_host: &str) -> (&str, String) {
        let Some(port) = self.door() else { return Default::default() };
        let to_door = format!("{to_host} tcp dport {DOOR_PORT}");
        let lead = format!("{to_door} dnat ip to 127.0.0.1:{port}\n");
        if self.has_no_rates {
            return ("", lead);
        }
        // A chain of this kind sees the first packet of a connection alone.
        let limit = format!("{to_door} add @comers {{ iifname {DOOR_RATE} }} drop\n");
        ("set comers { type ifname; size 1024; flags dynamic; }\n", limit + &lead)
    }

    /// The set of those who may reach the server's services, and the rule that leads them there.
    fn services_chains(&self, subnet: &str) -> (String, String) {
        let Some(port) = self.services else { return Default::default() };
        let all: Vec<String> = self.callers.iter().map(|device| format!("\"{device}\"")).collect();
        let all = if all.is_empty() { String::new() } else { format!("elements = {{ {} }};", all.join(", ")) };
        (
            format!("set callers {{ type ifname; {all} }}\n"),
            format!(
                "iifname @callers ip saddr {subnet} ip daddr {HOST_ADDRESS} tcp dport {SERVICES_PORT} \
                 dnat ip to 127.0.0.1:{port}\n"
            ),
        )
    }

    /// The rules before the one that refuses all that comes to the host. `limit`: drops what is beyond a sandbox's
    /// connections.
    pub fn host_input(&self, devices: &str, limit: &str) -> String {
        if self.is_empty() {
            return String::new();
        }
        format!("{limit}iifname {devices} ct status dnat ct original ip daddr {HOST_ADDRESS} accept;\n")
    }

    /// The sandbox's own rules before those that refuse. Inside, all ports that some function may reach are open: the
    /// host's map says who may. The others at that address are refused.
    pub fn inner_output(&self, connections_max: u64) -> String {
        if self.is_empty() {
            return String::new();
        }
        let own = self.door().map(|_| DOOR_PORT).into_iter().chain(self.services.map(|_| SERVICES_PORT));
        let ports: BTreeSet<u16> = self.named().map(|each| each.port).chain(own).collect();
        let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let to_host = format!("ip daddr {HOST_ADDRESS} tcp dport {{ {ports} }}");
        format!(
            "{to_host} ct state new ct count over {connections_max} drop;\n{to_host} accept;\n\
             ip daddr {HOST_ADDRESS} goto refuse;\n"
        )
    }

    /// Lets one sandbox reach ports that are grantable, and the server's services where `services` says so.
    pub fn grant(&mut self, table: &str, device: &str, ports: &[HostPort], services: bool) -> io::Result<()> {
        if !ports.is_empty() {
            change(table, "add", "granted", &elements(device, ports, true))?;
            self.granted.insert(device.to_string(), ports.to_vec());
        }
        if services {
            change(table, "add", "callers", &format!("\"{device}\""))?;
            self.callers.insert(device.to_string());
        }
        Ok(())
    }

    /// Takes back what the sandbox of that device was granted. Throws where the rules may still have it.
    pub fn revoke(&mut self, table: &str, device: &str) -> io::Result<()> {
        let ports = self.granted.remove(device);
        let was_caller = self.callers.remove(device);
        if let Some(ports) = ports {
            change(table, "delete", "granted", &elements(device, &ports, false))?;
        }
        if was_caller {
            change(table, "delete", "callers", &format!("\"{device}\""))?;
        }
        Ok(())
    }
}

fn elements(device: &str, ports: &[HostPort], has_addresses: bool) -> String {
    let one = |HostPort { address, port }: &HostPort| {
        let value = if has_addresses { format!(" : {address}") } else { String::new() };
        format!("\"{device}\" . {port}{value}")
    };
    ports.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn change(table: &str, verb: &str, name: &str, elements: &str) -> io::Result<()> {
    pipe_to(Command::new("nft").args(["-f", "-"]), &format!("{verb} element inet {table} {name} {{ {elements} }}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(text: &str) -> HostPort {
        text.parse().expect("is one")
    }

    #[test]
    fn without_ports_there_are_no_rules() {
        let none = HostPorts::default();
        assert_eq!(none.host_chains("\"thw0-*\"", "100.66.0.0/20"), "");
        assert_eq!(none.host_input("\"thw0-*\"", "limit"), "");
        assert_eq!(none.inner_output(300), "");
    }

    #[test]
    fn the_door_is_one_port_inside_and_the_server_s_on_the_host() {
        let mut ports = HostPorts { door: Some(40_000), ..HostPorts::default() };
        let chains = ports.host_chains("\"thw0-*\"", "100.66.0.0/20");
        assert!(chains.contains("tcp dport 443 dnat ip to 127.0.0.1:40000"), "{chains}");
        assert!(ports.inner_output(300).contains("tcp dport { 443 }") && ports.has_loopback());
        let (limit, lead) = (chains.find("rate over 5/second"), chains.find("tcp dport 443 dnat"));
        assert!(limit.is_some() && limit < lead, "{chains}");
        ports.has_no_rates = true;
        let chains = ports.host_chains("\"thw0-*\"", "100.66.0.0/20");
        assert!(!chains.contains("comers") && chains.contains("tcp dport 443 dnat"), "{chains}");
        ports.allowed.push(port("127.0.0.1:443"));
        assert!(!ports.host_chains("\"thw0-*\"", "100.66.0.0/20").contains("40000"));
    }

    #[test]
    fn what_is_granted_is_in_the_rules_again_when_they_are_put_back() {
        let mut ports = HostPorts { grantable: vec![port("127.0.0.1:5432")], ..HostPorts::default() };
        assert!(!ports.host_chains("\"thw0-*\"", "100.66.0.0/20").contains("elements"));
        ports.granted.insert("thw0-7".into(), vec![port("127.0.0.1:5432")]);
        let chains = ports.host_chains("\"thw0-*\"", "100.66.0.0/20");
        assert!(chains.contains("elements = { \"thw0-7\" . 5432 : 127.0.0.1 }"), "{chains}");
    }

    #[test]
    fn services_are_led_to_for_those_alone_who_may_call_them() {
        let mut ports = HostPorts { services: Some(40_001), ..HostPorts::default() };
        let chains = ports.host_chains("\"thw0-*\"", "100.66.0.0/20");
        assert!(!chains.contains("elements"), "{chains}");
        assert!(chains.contains("iifname @callers ip saddr 100.66.0.0/20"), "{chains}");
        assert!(chains.contains("tcp dport 80 dnat ip to 127.0.0.1:40001"), "{chains}");
        assert!(ports.inner_output(300).contains("tcp dport { 80 }") && ports.has_loopback());
        ports.callers.insert("thw0-7".into());
        let chains = ports.host_chains("\"thw0-*\"", "100.66.0.0/20");
        assert!(chains.contains("set callers { type ifname; elements = { \"thw0-7\" }; }"), "{chains}");
    }

    #[test]
    fn only_addresses_of_the_host_are_taken() {
        let own = [Ipv4Addr::new(192, 0, 2, 1)];
        let check = |text: &str| HostPorts { allowed: vec![port(text)], ..HostPorts::default() }.check(&own);
        assert!(check("127.0.0.53:53").is_ok() && check("192.0.2.1:80").is_ok());
        assert!(check("192.0.2.2:80").expect_err("is not its own").to_string().contains("no address of this host"));
    }
}
