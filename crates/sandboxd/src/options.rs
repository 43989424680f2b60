//! The options of `thaw-sandboxd serve`.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use crate::keeper::Memory;
use crate::names::{is_name, is_network, HostPort};
use crate::pager::PagerOptions;

const PREPARED_MIB_DEFAULT: &str = "512";
const PREPARED_MIB_MIN: u64 = 64;
const PREPARED_MIB_MAX: u64 = 1 << 24;
const POOL_SIZE_DEFAULT: usize = 3;
const PAGER_MEMORY_MIB_DEFAULT: u32 = 256;

pub struct ServeOptions {
    pub data: PathBuf,
    pub runtimes: PathBuf,
    pub clients: PathBuf,
    pub run: PathBuf,
    pub supervisor: PathBuf,
    pub file_systems: HashMap<String, PathBuf>,
    pub server_uid: u32,
    /// Absent where none was named: no snapshots then.
    pub criu: Option<PathBuf>,
    pub memory: Memory,
    /// Networks that no sandbox may reach, as `A.B.C.D/N`.
    pub network_denied: Vec<String>,
    /// Ports of the host that each sandbox may reach.
    pub hosts_allowed: Vec<HostPort>,
    /// Ports of the host that only those sandboxes may reach whose specification names them.
    pub hosts_grantable: Vec<HostPort>,
    /// Memory for prepared snapshots, all together.
    pub prepared_mib: u64,
    /// Sandboxes kept ready of each kind.
    pub pool_size: usize,
    /// True where processors are kept awake while a cold start begins.
    pub keeps_awake: bool,
    /// Absent where memory does not come on demand.
    pub pager: Option<PagerOptions>,
}

const OPTIONS: [&str; 18] = [
    "allow-host", "clients", "cpu-latency", "criu", "data", "file-systems", "grant-host", "memory", "network-deny",
    "pager", "pager-memory-mib", "pager-uid", "pool", "prepared-mib", "run", "runtimes", "server-uid", "supervisor",
];

type Values = HashMap<String, String>;

impl ServeOptions {
    /// Throws a sentence for the operator.
    pub fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let values = read_pairs(args)?;
        let server_uid: u32 = values
            .get("server-uid")
            .and_then(|text| text.parse().ok())
            .ok_or("--server-uid is missing or not a number")?;
        let memory = memory_option(&values)?;
        let file_systems = file_systems_option(values.get("file-systems").map_or("", String::as_str))?;
        Ok(ServeOptions {
            data: path_option(&values, "data")?,
            runtimes: path_option(&values, "runtimes")?,
            clients: path_option(&values, "clients")?,
            run: path_option(&values, "run")?,
            supervisor: path_option(&values, "supervisor")?,
            file_systems,
            server_uid,
            criu: values.get("criu").filter(|path| !path.is_empty()).map(PathBuf::from),
            memory,
            network_denied: denied_option(values.get("network-deny").map_or("", String::as_str))?,
            hosts_allowed: hosts_option(&values, "allow-host")?,
            hosts_grantable: hosts_option(&values, "grant-host")?,
            prepared_mib: prepared_option(&values)?,
            pool_size: pool_size_option(&values)?,
            keeps_awake: cpu_latency_option(&values)? && !memory.is_stock(),
            pager: if memory == Memory::Lazy { Some(pager_options(&values, server_uid)?) } else { None },
        })
    }
}

fn read_pairs(args: impl Iterator<Item = String>) -> Result<Values, String> {
    let args: Vec<String> = args.collect();
    let mut values = Values::new();
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let known = name.strip_prefix("--").filter(|name| OPTIONS.contains(name));
        let option = known.ok_or_else(|| format!("unknown option {name}"))?;
        if values.insert(option.to_string(), value.clone()).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(values)
}

fn path_option(values: &Values, name: &str) -> Result<PathBuf, String> {
    let text = values.get(name).ok_or_else(|| format!("--{name} is missing"))?;
    fs::canonicalize(text).map_err(|error| format!("--{name} {text}: {error}"))
}

/// Lines `NAME=DIR`.
fn file_systems_option(text: &str) -> Result<HashMap<String, PathBuf>, String> {
    let mut mapped = HashMap::new();
    for line in text.lines() {
        let (name, dir) = line.split_once('=').ok_or_else(|| format!("--file-systems {line}: expected NAME=DIR"))?;
        if !is_name(name) {
            return Err(format!("--file-systems {line}: not a name"));
        }
        let path = fs::canonicalize(dir).map_err(|error| format!("--file-systems {dir}: {error}"))?;
        mapped.insert(name.to_string(), path);
    }
    Ok(mapped)
}

fn memory_option(values: &Values) -> Result<Memory, String> {
    #[cfg(feature = "bench")]
    if let Some(memory) = stock_memory()? {
        return Ok(memory);
    }
    match values.get("memory").map_or("lazy", String::as_str) {
        "lazy" => Ok(Memory::Lazy),
        "eager" => Ok(Memory::Eager),
        other => Err(format!("--memory {other}: expected lazy or eager")),
    }
}

/// Stock CRIU instead of what `--memory` says. An environment variable, so that the server need not know of it.
#[cfg(feature = "bench")]
fn stock_memory() -> Result<Option<Memory>, String> {
    match std::env::var("THAW_BENCH_MEMORY").ok().as_deref() {
        None => Ok(None),
        Some("stock-eager") => Ok(Some(Memory::StockEager)),
        Some("stock-lazy") => Ok(Some(Memory::StockLazy)),
        Some(other) => Err(format!("THAW_BENCH_MEMORY={other}: expected stock-eager or stock-lazy")),
    }
}

/// Networks with commas between them.
fn denied_option(text: &str) -> Result<Vec<String>, String> {
    let networks: Vec<String> = text.split(',').filter(|each| !each.is_empty()).map(str::to_string).collect();
    match networks.iter().find(|network| !is_network(network)) {
        Some(wrong) => Err(format!("--network-deny {wrong}: expected A.B.C.D/N")),
        None => Ok(networks),
    }
}

/// Ports of the host, with commas between them.
fn hosts_option(values: &Values, name: &str) -> Result<Vec<HostPort>, String> {
    let text = values.get(name).map_or("", String::as_str);
    text.split(',')
        .filter(|each| !each.is_empty())
        .map(|each| each.parse().map_err(|wrong| format!("--{name} {wrong}")))
        .collect()
}

fn prepared_option(values: &Values) -> Result<u64, String> {
    let text = values.get("prepared-mib").map_or(PREPARED_MIB_DEFAULT, String::as_str);
    match text.parse() {
        Ok(mib) if (PREPARED_MIB_MIN..=PREPARED_MIB_MAX).contains(&mib) => Ok(mib),
        _ => Err(format!("--prepared-mib {text}: expected {PREPARED_MIB_MIN} to {PREPARED_MIB_MAX}")),
    }
}

fn pool_size_option(values: &Values) -> Result<usize, String> {
    match values.get("pool") {
        None => Ok(POOL_SIZE_DEFAULT),
        Some(text) => text.parse().map_err(|_| "--pool is not a number".to_string()),
    }
}

fn cpu_latency_option(values: &Values) -> Result<bool, String> {
    match values.get("cpu-latency").map_or("low", String::as_str) {
        "low" => Ok(true),
        "default" => Ok(false),
        other => Err(format!("--cpu-latency {other}: expected low or default")),
    }
}

fn pager_options(values: &Values, server_uid: u32) -> Result<PagerOptions, String> {
    let number = |name: &str, default: u32| match values.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("--{name} is not a number")),
    };
    Ok(PagerOptions {
        program: path_option(values, "pager")?,
        uid: number("pager-uid", server_uid + 1)?,
        gid: server_uid,
        memory_mib: number("pager-memory-mib", PAGER_MEMORY_MIB_DEFAULT)? as usize,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> Option<String> {
        ServeOptions::parse(line.split(' ').map(str::to_string)).err()
    }

    fn parsed(line: &str) -> Result<ServeOptions, String> {
        let paths = "--data / --runtimes / --clients / --run / --supervisor / --pager /";
        ServeOptions::parse(format!("{paths} --server-uid 7 {line}").split(' ').map(str::to_string))
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let cases = [
            ("--pool 3 --pol 4", "unknown option --pol"),
            ("pool 3", "unknown option pool"),
            ("-pool 3", "unknown option -pool"),
            ("-- 3", "unknown option --"),
            ("--pool", "--pool needs a value"),
            ("--pool 3 --pool 4", "--pool is there twice"),
            ("--server-uid x", "--server-uid is missing or not a number"),
        ];
        for (line, wanted) in cases {
            assert_eq!(refusal(line).as_deref(), Some(wanted), "{line}");
        }
    }

    #[test]
    fn takes_each_option() {
        let line = "--criu /criu --memory lazy --network-deny 10.0.0.0/8 --prepared-mib 64 --pool 9 --cpu-latency low \
                    --file-systems a=/ --pager-uid 5 --pager-memory-mib 6";
        let options = parsed(line).expect("is right");
        assert_eq!((options.server_uid, options.pool_size, options.prepared_mib), (7, 9, 64));
        assert_eq!(options.network_denied, ["10.0.0.0/8"]);
        let pager = options.pager.expect("memory comes on demand");
        assert_eq!((pager.uid, pager.gid, pager.memory_mib), (5, 7, 6));
    }
}
