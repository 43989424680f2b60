//! sandboxd: the only privileged process of Thaw. Makes sandboxes, freezes and ends them, and runs CRIU in them.
//!
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

mod bind;
mod engines;
mod error;
mod keeper;
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
        Some("sweep") => {
            sandboxes::cgroup::Hierarchy::end_dead_instances();
            sandboxes::network::sweep(Path::new(sandboxes::network::LOCK_DIR))
                .map_err(|error| format!("network: {error}"))
        }
        Some("bind") => {
            // In the launcher's place: its words, and its status for a wrong setting.
            let message = bind::run(&args.collect::<Vec<_>>()).err().unwrap_or_default();
            thaw_stderr::tell!("thaw: {message}");
            std::process::exit(2)
        }
        Some("serve") => serve::serve(args),
        _ => Err(USAGE.into()),
    };
    if let Err(message) = result {
        thaw_stderr::tell!("sandboxd: {message}");
        std::process::exit(1);
    }
}
