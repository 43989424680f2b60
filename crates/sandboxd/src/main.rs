//! sandboxd: the only privileged process of Thaw. Makes sandboxes, freezes and ends them, and runs CRIU in them.
//!
//! `thaw-sandboxd launch PLAN` is the launcher, which starts this program again as sandboxd.
//! `thaw-sandboxd sweep` ends what a killed one left frozen, and removes its network rules.
//! `thaw-sandboxd serve --run DIR --data DIR --runtimes DIR --clients DIR --supervisor FILE --server-uid N [--criu
//! FILE] [--pool N]
//!  [--cpu-latency low|default] [--pager FILE] [--pager-uid N] [--pager-memory-mib N] [--memory lazy|eager]
//!  [--prepared-mib N] [--network-deny CIDR,CIDR…] [--allow-host A.B.C.D:PORT,…]
//!  [--grant-host A.B.C.D:PORT,…]
//!  [--file-systems 'NAME=DIR…']`
//!
//! ```text
//!  serve ──► protocol ──► operations ──► engines ──► sandboxes ──► keeper      serve puts the parts together
//!                         observe                    pager
//!                                                    snapshots                  all of them: sys, error, names
//! ```

mod engines;
mod error;
mod keeper;
mod launcher;
mod names;
mod observe;
mod operations;
mod options;
mod pager;
mod protocol;
mod sandboxes;
mod serve;
mod snapshots;
mod sys;

use std::path::Path;

const USAGE: &str = "usage: thaw-sandboxd serve --run DIR --data DIR --runtimes DIR --clients DIR --supervisor FILE \
    --server-uid N [--criu FILE] [--pool N] [--file-systems 'NAME=DIR…']";

fn main() {
    let mut args = std::env::args();
    let name = args.next();
    let result = match args.next().as_deref() {
        None if name.as_deref() == Some(keeper::ACTION_SCRIPT) => engines::criu::run_action_script(),
        Some("keeper") => keeper::main(),
        Some("sweep") => sweep(),
        Some("launch") => match args.next() {
            Some(plan) => std::process::exit(launcher::run(Path::new(&plan), sweep_and_tell)),
            None => Err("usage: thaw-sandboxd launch PLAN".into()),
        },
        Some("serve") => serve::serve(args),
        _ => Err(USAGE.into()),
    };
    if let Err(message) = result {
        thaw_stderr::tell!("sandboxd: {message}");
        std::process::exit(1);
    }
}

fn sweep() -> Result<(), String> {
    sandboxes::cgroup::Hierarchy::end_dead_instances();
    sandboxes::network::sweep(Path::new(sandboxes::network::LOCK_DIR)).map_err(|error| format!("network: {error}"))
}

fn sweep_and_tell() {
    if let Err(message) = sweep() {
        thaw_stderr::tell!("sandboxd: {message}");
    }
}
