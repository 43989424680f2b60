//! Chunks that this host lacks: asked for from the server, which fetches them from the far store into the directory of
//! chunks.

use std::collections::HashMap;

use std::time::{Duration, Instant};

use thaw_locked::{Changed, Locked};
use thaw_snapshot::chunk::{self, ChunkName, ChunkRef};
use thaw_snapshot::chunk_directory::ChunkDirectory;
use thaw_snapshot::hex;
use thaw_snapshot::pager_messages::ChunkAnswer;

use crate::error::{Code, Error, Result};

/// As the pager waits.
const FAR_TIMEOUT: Duration = Duration::from_secs(12);

type Ask = Box<dyn Fn(&str, bool) + Send>;

/// One request that the server has not answered, or whose answer somebody has not seen.
#[derive(Default)]
struct Wanted {
    waiters: usize,
    answer: Option<ChunkAnswer>,
}

#[derive(Default)]
pub struct FarChunks {
    /// Sends the request to the server that is connected.
    ask: Locked<Option<Ask>>,
    wanted: Locked<HashMap<ChunkName, Wanted>>,
    changed: Changed,
}

impl FarChunks {
    pub fn connect(&self, ask: impl Fn(&str, bool) + Send + 'static) {
        *self.ask.lock() = Some(Box::new(ask));
    }

    /// Forgets the server: nobody will answer any request, and those that wait give up at their limit.
    pub fn disconnect(&self) {
        *self.ask.lock() = None;
        self.wanted.lock().retain(|_, wanted| wanted.waiters > 0);
    }

    /// Asks the server; false where there is none.
    pub fn ask(&self, name: &str, is_damaged: bool) -> bool {
        let ask = self.ask.lock();
        if let Some(ask) = ask.as_ref() {
            ask(name, is_damaged);
        }
        ask.is_some()
    }

    pub fn arrived(&self, name: &ChunkName, answer: ChunkAnswer) {
        let mut wanted = self.wanted.lock();
        match wanted.get_mut(name) {
            Some(entry) if entry.waiters > 0 => entry.answer = Some(answer),
            // Asked ahead: who needs it looks at the directory first.
            _ => drop(wanted.remove(name)),
        }
        self.changed.notify_all();
    }

    /// Chunks that will be needed soon: those that the host lacks are asked for now, all at once.
    pub fn ask_ahead<'a>(&self, directory: &ChunkDirectory, chunks: impl Iterator<Item = &'a ChunkRef>) {
        for chunk in chunks.filter(|chunk| !directory.has(&chunk.name)) {
            let is_new = {
                let mut wanted = self.wanted.lock();
                let is_new = !wanted.contains_key(&chunk.name);
                wanted.entry(chunk.name).or_default();
                is_new
            };
            if is_new && !self.ask(&hex::encode(&chunk.name), false) {
                self.wanted.lock().remove(&chunk.name);
                return;
            }
        }
    }

    fn fetch(&self, name: &ChunkName, is_damaged: bool) -> Result<bool> {
        let is_new = {
            let mut wanted = self.wanted.lock();
            let is_new = !wanted.contains_key(name);
            wanted.entry(*name).or_default().waiters += 1;
            is_new
        };
        let answer = if is_new && !self.ask(&hex::encode(name), is_damaged) { Ok(false) } else { self.wait_for(name) };
        let mut wanted = self.wanted.lock();
        if let Some(entry) = wanted.get_mut(name) {
            entry.waiters -= 1;
            if entry.waiters == 0 {
                wanted.remove(name);
            }
        }
        answer
    }

    fn wait_for(&self, name: &ChunkName) -> Result<bool> {
        let deadline = Instant::now() + FAR_TIMEOUT;
        let mut wanted = self.wanted.lock();
        loop {
            let answer = wanted.get(name).and_then(|entry| entry.answer);
            let left = deadline.saturating_duration_since(Instant::now());
            if answer == Some(ChunkAnswer::Late) || (answer.is_none() && left.is_zero()) {
                return Err(Error::new(Code::RestoreTimeout, "a chunk of the snapshot did not come in time"));
            }
            if let Some(answer) = answer {
                return Ok(answer == ChunkAnswer::Here);
            }
            wanted = self.changed.wait_timeout(wanted, left);
        }
    }

    /// Reads a chunk's content, authenticated; fetches it where this host lacks it or has it damaged.
    pub fn read(&self, directory: &ChunkDirectory, wanted: &ChunkRef) -> Result<Vec<u8>> {
        let local = directory.read(&wanted.name).map(|file| chunk::open(wanted, file));
        let is_damaged = match local {
            Ok(Ok(content)) => return Ok(content),
            Ok(Err(_)) => true,
            Err(_) => false,
        };
        if self.fetch(&wanted.name, is_damaged)? {
            if let Ok(Ok(content)) = directory.read(&wanted.name).map(|file| chunk::open(wanted, file)) {
                return Ok(content);
            }
        }
        let why = if is_damaged { "was changed" } else { "is missing" };
        Err(Error::new(Code::SnapshotDamaged, format!("a chunk {why}: {}", hex::encode(&wanted.name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::mpsc;
    use std::sync::Arc;
    use thaw_snapshot::chunk::ChunkSecret;

    struct Bench {
        dir: std::path::PathBuf,
        far: Arc<FarChunks>,
        asked: mpsc::Receiver<(String, bool)>,
    }

    impl Bench {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("thaw-far-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&dir).expect("a temporary directory");
            let (sender, asked) = mpsc::channel();
            let far = Arc::new(FarChunks::default());
            far.connect(move |chunk, is_damaged| {
                sender.send((chunk.to_string(), is_damaged)).expect("the test listens")
            });
            Bench { dir, far, asked }
        }

        fn directory(&self) -> ChunkDirectory {
            ChunkDirectory::new(File::open(&self.dir).expect("it is there").into())
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.dir).expect("it is ours");
        }
    }

    fn sample() -> (ChunkRef, Vec<u8>) {
        chunk::seal(&ChunkSecret::new(&[7; 32]), &[1; 5000])
    }

    #[test]
    fn a_chunk_that_was_asked_ahead_is_asked_for_once_and_read_when_it_is_there() {
        let bench = Bench::new("ahead");
        let (wanted, file) = sample();
        bench.far.ask_ahead(&bench.directory(), [&wanted, &wanted].into_iter());
        assert_eq!(bench.asked.recv().expect("asked"), (hex::encode(&wanted.name), false));
        let reader = {
            let (far, directory) = (Arc::clone(&bench.far), bench.directory());
            std::thread::spawn(move || far.read(&directory, &wanted).expect("comes"))
        };
        while bench.far.wanted.lock().get(&wanted.name).is_none_or(|entry| entry.waiters == 0) {
            std::thread::yield_now();
        }
        bench.directory().write(&wanted.name, &file).expect("writes");
        bench.far.arrived(&wanted.name, ChunkAnswer::Here);
        assert_eq!(reader.join().expect("reads"), vec![1; 5000]);
        assert!(bench.asked.try_recv().is_err(), "asked for again");
    }

    #[test]
    fn a_late_chunk_is_a_timeout_and_one_that_is_nowhere_is_damage() {
        for (answer, code) in [(ChunkAnswer::Late, Code::RestoreTimeout), (ChunkAnswer::Nowhere, Code::SnapshotDamaged)]
        {
            let bench = Bench::new(if answer == ChunkAnswer::Late { "late" } else { "nowhere" });
            let (wanted, _) = sample();
            let reader = {
                let (far, directory) = (Arc::clone(&bench.far), bench.directory());
                std::thread::spawn(move || far.read(&directory, &wanted).expect_err("never comes"))
            };
            bench.asked.recv().expect("asked");
            bench.far.arrived(&wanted.name, answer);
            assert_eq!(reader.join().expect("ends").code, code);
            assert!(bench.far.wanted.lock().is_empty());
        }
    }

    #[test]
    fn a_damaged_file_is_asked_for_as_such_and_without_a_server_there_is_none() {
        let bench = Bench::new("damaged");
        let (wanted, mut file) = sample();
        file[10] ^= 1;
        bench.directory().write(&wanted.name, &file).expect("writes");
        let reader = {
            let (far, directory) = (Arc::clone(&bench.far), bench.directory());
            std::thread::spawn(move || far.read(&directory, &wanted).expect_err("is damaged"))
        };
        assert_eq!(bench.asked.recv().expect("asked"), (hex::encode(&wanted.name), true));
        bench.far.arrived(&wanted.name, ChunkAnswer::Nowhere);
        assert_eq!(reader.join().expect("ends").code, Code::SnapshotDamaged);
        bench.far.disconnect();
        assert_eq!(bench.far.read(&bench.directory(), &wanted).expect_err("nobody to ask").code, Code::SnapshotDamaged);
    }
}
