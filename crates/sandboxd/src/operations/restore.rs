//! `restore`: a clone, made of a ready sandbox, a prepared snapshot, and its engine. Its pages may come while it
//! already runs.

use std::sync::Arc;
use std::thread;

use thaw_faults::fault_point;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::Header;

use super::create::Made;
use super::prepare::PreparedSnapshots;
use crate::engines::{Clone, Engine};
use crate::error::{Code, Error, Result};
use crate::names::check_name;
use crate::sandboxes::entry::Entry;
use crate::sandboxes::maker::{Maker, Origin};
use crate::sandboxes::spec::Spec;
use crate::sys::stopwatch::Stopwatch;

pub struct RestoreRequest<'a> {
    pub sandbox: &'a str,
    pub spec: &'a Spec,
    pub snapshot: &'a str,
    /// The snapshot must have been made for this one: runtime, engine and host.
    pub fingerprint: &'a str,
    pub key: &'a DataKey,
}

/// `on_exit` is called when the supervisor ends by itself.
pub fn restore(
    maker: &Maker,
    snapshots: &PreparedSnapshots,
    engine: &dyn Engine,
    request: &RestoreRequest,
    on_exit: impl FnOnce() + Send + 'static,
) -> Result<(Entry, Made)> {
    let RestoreRequest { sandbox, spec, .. } = *request;
    check_name("snapshot", request.snapshot)?;
    let _cold = maker.pool.cold_start();
    let mut watch = Stopwatch::start();
    // On a host that has neither, the sandbox is made while the snapshot's files come.
    let (ready, keeper) = thread::scope(|scope| {
        let taking = thread::Builder::new().spawn_scoped(scope, || maker.take_keeper(spec))?;
        let prepared = snapshots.get(request.snapshot, request.key, spec.tmp_mib, engine);
        watch.lap("prepare");
        let keeper = taking.join().map_err(|_| Error::new(Code::Failed, "making a sandbox panicked"))?;
        Ok::<_, Error>((prepared?, keeper?))
    })?;
    let prepared = Arc::clone(&ready.snapshot);
    watch.lap("sandbox");
    check_fits(&prepared.header, request, engine.name())?;
    fault_point!("restore.prepared");
    let origin = Origin { snapshot: &prepared, make_tmp: &|upper| snapshots.make_tmp(&ready, upper) };
    let mut entry = maker.furnish(sandbox, spec, keeper, Some(&origin))?;
    watch.lap("mount");
    fault_point!("restore.sandbox-taken");
    let images = ready.images.open()?;
    let pages = match snapshots.begin_session(sandbox, &prepared, &ready.files)? {
        Some((session, pages)) => {
            entry.session = Some(session);
            Some(pages)
        }
        None => None,
    };
    fault_point!("restore.session-begun");
    let clone = Clone {
        sandbox,
        keeper: &entry.keeper,
        images,
        supervisor_pid: prepared.supervisor_pid,
        clocks: prepared.clocks,
        pages: pages.as_ref(),
    };
    engine.restore(&clone).map_err(|error| explain(&entry, error))?;
    drop(pages);
    entry.raise_oom_score()?;
    entry.keeper.on_exit(on_exit);
    watch.lap("criu");
    fault_point!("restore.criu-done");
    let made = Made::new(&entry, watch);
    Ok((entry, made))
}

fn check_fits(header: &Header, request: &RestoreRequest, engine: &str) -> Result<()> {
    let refuse = |why: &str| {
        let message = format!("snapshot {} was {why}", request.snapshot);
        Err(Error::new(Code::RestoreFailed, message))
    };
    if header.engine != engine {
        return refuse(&format!("taken by another engine, {}", header.engine));
    }
    if header.fingerprint != request.fingerprint {
        return refuse("made for another runtime or host");
    }
    if header.uid != request.spec.uid {
        return Err(Error::bad_request("the snapshot belongs to another user"));
    }
    Ok(())
}

/// Gives the pager's reason where the pager could not give the clone its pages.
fn explain(entry: &Entry, error: Error) -> Error {
    match entry.session.as_ref().and_then(|session| session.loss()) {
        Some(loss) => Error::new(loss.code, loss.message),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_only_what_was_made_for_it() {
        let spec: Spec = serde_json::from_value(serde_json::json!({
            "root": "host", "client": "provided", "task": "code", "uid": 2_000_000_007, "memoryMib": 128, "tmpMib": 512
        }))
        .expect("is a specification");
        let request =
            RestoreRequest { sandbox: "env-1", spec: &spec, snapshot: "snap-1", fingerprint: "f", key: &[0; 32] };
        let header = Header {
            snapshot: "snap-1".into(),
            fingerprint: "f".into(),
            engine: "criu".into(),
            uid: 2_000_000_007,
            created_at_ms: 0,
            generation: 0,
            early_chunks: 0,
            memory_pages: 0,
            stored_pages: 0,
            image_bytes: 0,
            disk_bytes: 0,
        };
        let code = |header: Header| check_fits(&header, &request, "criu").map_err(|error| error.code);
        assert_eq!(code(header.clone()), Ok(()));
        assert_eq!(code(Header { engine: "gvisor".into(), ..header.clone() }), Err(Code::RestoreFailed));
        assert_eq!(code(Header { fingerprint: "g".into(), ..header.clone() }), Err(Code::RestoreFailed));
        assert_eq!(code(Header { uid: 2_000_000_008, ..header }), Err(Code::BadRequest));
    }
}
