//! Takes CRIU's images as it makes them (`criu dump --stream`), so that no page of a function is ever written to disk
//! in the clear.
//!
//! ```text
//!  criu ──unix socket── u32 size, ImgStreamerRequestEntry{filename} ; 1 byte with the reading end of a pipe    (for each file)
//!       ──pipes──────── the files, several at once
//!  criu's action script ──unix socket── connects when all is dumped, and waits for one byte
//! ```
//! CRIU gives the pages away by reference (vmsplice): what is in a pipe changes with the memory it came from. The
//! kernel writes into a process that ends (the thread ids that glibc keeps, the owners of robust futexes), so the
//! processes must stay as they are until every page has been read. CRIU ends them only when its action script for
//! `post-dump` has come back.
//!
//! Held in memory: one chunk for each file of pages, one for all others, the pipes' buffers, 16 bytes for each page,
//! and the files that have to be understood (page maps, memory maps, what `judge` looks at).

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::fcntl::{fcntl, FcntlArg};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use prost::Message;
use thaw_snapshot::manifest::{Extent, Image};
use thaw_snapshot::messages::receive_up_to;
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::judge;
use super::shared_memory::SharedMemory;
use crate::error::{Code, Error, Result};
use crate::names::is_name;
use crate::snapshots::cutter::{ByteCutter, PageCutter, PagePlace, Sink};

const SOCKET_NAME: &str = "streamer-capture.sock";
const DUMPED_SOCKET_NAME: &str = "dumped.sock";
const PIPE_SIZE_BYTES: i32 = 1024 * 1024;
const REQUEST_SIZE_BYTES_MAX: usize = 4096;
/// One kept file: a page map of 10 GiB with a hole behind every page has 50 MB.
const KEPT_SIZE_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Clone, PartialEq, Message)]
struct FileRequest {
    #[prost(string, required, tag = "1")]
    filename: String,
}

enum Target {
    /// The rest of a page that came in two parts.
    Pages {
        cutter: PageCutter,
        rest: Vec<u8>,
    },
    Bytes {
        file: usize,
    },
}

struct Stream {
    name: String,
    pipe: OwnedFd,
    target: Target,
}

/// The files that CRIU wrote, as far as they are needed again.
pub struct Files {
    pub images: Vec<Image>,
    /// By the number in `pages-N.img`.
    pub pages: HashMap<u32, Vec<PagePlace>>,
    /// Whole content of page maps, memory maps and what is judged, by name.
    pub kept: HashMap<String, Vec<u8>>,
}

/// Where CRIU and its action script come to.
pub struct Listeners {
    images: UnixListener,
    dumped: UnixListener,
}

impl Listeners {
    pub fn bind(images_directory: &Path) -> io::Result<Self> {
        let bind = |name| UnixListener::bind(images_directory.join(name));
        Ok(Listeners { images: bind(SOCKET_NAME)?, dumped: bind(DUMPED_SOCKET_NAME)? })
    }
}

/// CRIU calls this program at each step of a dump, with the step's name in the environment. Throws where CRIU must not
/// go on.
pub fn run_action_script() -> std::result::Result<(), String> {
    if std::env::var_os("CRTOOLS_SCRIPT_ACTION").is_none_or(|action| action != "post-dump") {
        return Ok(());
    }
    let directory = std::env::var_os("CRTOOLS_IMAGE_DIR").ok_or("CRIU does not say where the images are")?;
    let wait = || UnixStream::connect(Path::new(&directory).join(DUMPED_SOCKET_NAME))?.read_exact(&mut [0]);
    wait().map_err(|error: io::Error| format!("the pages were not taken: {error}"))
}

struct Capture<'a> {
    sink: &'a mut dyn Sink,
    dumped: UnixListener,
    /// The action script, from when it has come until it was answered.
    script: Option<UnixStream>,
    streams: Vec<Stream>,
    bytes: ByteCutter,
    /// Name and size, by the number in `bytes`.
    files: Vec<(String, u64)>,
    pages: HashMap<u32, Vec<PagePlace>>,
    kept: HashMap<String, Vec<u8>>,
    shared: SharedMemory,
}

fn nonsense(what: &str) -> Error {
    Error::new(Code::SnapshotFailed, format!("CRIU's stream: {what}"))
}

/// Captures until CRIU hangs up and every file has ended. `cancel` becomes readable when CRIU has ended without
/// connecting.
pub fn capture(listeners: Listeners, cancel: BorrowedFd, sink: &mut dyn Sink) -> Result<Files> {
    let Some(connection) = accept(&listeners.images, cancel)? else { return Err(nonsense("it never came")) };
    let mut capture = Capture {
        sink,
        dumped: listeners.dumped,
        script: None,
        streams: Vec::new(),
        bytes: ByteCutter::default(),
        files: Vec::new(),
        pages: HashMap::new(),
        kept: HashMap::new(),
        shared: SharedMemory::of_this_host()?,
    };
    capture.run(connection)?;
    let extents = std::mem::take(&mut capture.bytes).finish(capture.sink)?;
    let images = capture.files.iter().zip(extents).map(|((name, size), extents): (_, Vec<Extent>)| Image {
        name: name.clone(),
        size: *size,
        extents,
    });
    Ok(Files { images: images.collect(), pages: capture.pages, kept: capture.kept })
}

fn accept(listener: &UnixListener, cancel: BorrowedFd) -> io::Result<Option<UnixStream>> {
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN), PollFd::new(cancel, PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        if fds[0].revents().is_some_and(|events| !events.is_empty()) {
            return Ok(Some(listener.accept()?.0));
        }
        return Ok(None);
    }
}

impl Capture<'_> {
    fn run(&mut self, connection: UnixStream) -> Result<()> {
        let mut connection = Some(connection);
        let mut buffer = vec![0u8; PIPE_SIZE_BYTES as usize];
        while connection.is_some() || !self.streams.is_empty() {
            let mut fds: Vec<PollFd> =
                self.streams.iter().map(|stream| PollFd::new(stream.pipe.as_fd(), PollFlags::POLLIN)).collect();
            fds.push(PollFd::new(self.dumped.as_fd(), PollFlags::POLLIN));
            if let Some(connection) = &connection {
                fds.push(PollFd::new(connection.as_fd(), PollFlags::POLLIN));
            }
            let timeout = if self.can_answer_script() { PollTimeout::ZERO } else { PollTimeout::NONE };
            match poll(&mut fds, timeout) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other.map_err(io::Error::from)?,
            };
            let ready: Vec<bool> = fds.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect();
            let streams = self.streams.len();
            // From the last: a stream that ends is taken out of the list.
            for index in (0..streams).rev().filter(|index| ready[*index]) {
                self.read_stream(index, &mut buffer)?;
            }
            let has_request = ready.get(streams + 1) == Some(&true);
            if let Some(stream) = connection.take_if(|_| has_request) {
                connection = self.read_request(stream)?;
            }
            // A file that CRIU asked for before its script came has been seen in this round.
            if !has_request {
                self.answer_script()?;
            }
            if ready[streams] {
                self.script = Some(self.dumped.accept()?.0);
            }
        }
        Ok(())
    }

    fn can_answer_script(&self) -> bool {
        self.script.is_some() && !self.streams.iter().any(|stream| matches!(stream.target, Target::Pages { .. }))
    }

    /// Lets CRIU end the processes, once all of their pages have been read.
    fn answer_script(&mut self) -> Result<()> {
        if self.can_answer_script() {
            self.script.take().expect("it waits").write_all(b"x")?;
        }
        Ok(())
    }

    /// Reads a request for a file. Gives the connection back, unless CRIU has hung up.
    fn read_request(&mut self, connection: UnixStream) -> Result<Option<UnixStream>> {
        let Some(head) = receive_exactly(&connection, 4)? else { return Ok(None) };
        let size = u32::from_le_bytes(head.try_into().expect("four bytes")) as usize;
        if size > REQUEST_SIZE_BYTES_MAX {
            return Err(nonsense("a request is too long"));
        }
        let body = receive_exactly(&connection, size)?.ok_or_else(|| nonsense("cut short"))?;
        let FileRequest { filename } =
            FileRequest::decode(&body[..]).map_err(|_| nonsense("a request is unreadable"))?;
        if !is_name(&filename) {
            return Err(nonsense("a file has no plain name"));
        }
        let (_, mut fds) = receive_up_to(connection.as_fd(), 1)?.ok_or_else(|| nonsense("cut short"))?;
        let pipe = fds.pop().ok_or_else(|| nonsense("a file without a pipe"))?;
        // A larger pipe is a favour, not a need.
        let _ = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE_BYTES));
        self.shared.add(&filename)?;
        let target = self.target_for(&filename);
        self.streams.push(Stream { name: filename, pipe, target });
        Ok(Some(connection))
    }

    fn target_for(&mut self, name: &str) -> Target {
        if pages_id(name).is_some() {
            return Target::Pages { cutter: PageCutter::default(), rest: Vec::new() };
        }
        let is_ghost = name.starts_with("ghost-file-");
        if name.starts_with("pagemap-") || name.starts_with("mm-") || (judge::is_judged(name) && !is_ghost) {
            self.kept.insert(name.to_string(), Vec::new());
        }
        self.files.push((name.to_string(), 0));
        Target::Bytes { file: self.bytes.begin() }
    }

    fn read_stream(&mut self, index: usize, buffer: &mut [u8]) -> Result<()> {
        let stream = &mut self.streams[index];
        // SAFETY: the buffer is as long as we say.
        let length = unsafe { libc::read(stream.pipe.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        if length < 0 {
            return Err(io::Error::last_os_error().into());
        }
        let read = &buffer[..length as usize];
        if read.is_empty() {
            let stream = self.streams.swap_remove(index);
            return self.end_stream(stream);
        }
        match &mut stream.target {
            Target::Pages { cutter, rest } => push_pages(cutter, rest, read, self.sink)?,
            Target::Bytes { file } => {
                if let Some(kept) = self.kept.get_mut(&stream.name) {
                    if kept.len() + read.len() > KEPT_SIZE_BYTES_MAX {
                        return Err(nonsense("a page map or another file is too long"));
                    }
                    kept.extend_from_slice(read);
                }
                let size = &mut self.files[*file].1;
                self.bytes.push(*file, *size, read, self.sink)?;
                *size += read.len() as u64;
            }
        }
        Ok(())
    }

    fn end_stream(&mut self, stream: Stream) -> Result<()> {
        match stream.target {
            Target::Pages { rest, .. } if !rest.is_empty() => Err(nonsense("half a page")),
            Target::Pages { cutter, .. } => {
                let id = pages_id(&stream.name).expect("only files of pages have such a target");
                self.pages.insert(id, cutter.finish(self.sink)?);
                Ok(())
            }
            Target::Bytes { .. } => Ok(()),
        }
    }
}

fn push_pages(cutter: &mut PageCutter, rest: &mut Vec<u8>, mut read: &[u8], sink: &mut dyn Sink) -> io::Result<()> {
    if !rest.is_empty() {
        let missing = (PAGE_SIZE_BYTES - rest.len()).min(read.len());
        rest.extend_from_slice(&read[..missing]);
        read = &read[missing..];
        if rest.len() < PAGE_SIZE_BYTES {
            return Ok(());
        }
        cutter.push(rest, sink)?;
        rest.clear();
    }
    let mut pages = read.chunks_exact(PAGE_SIZE_BYTES);
    for page in &mut pages {
        cutter.push(page, sink)?;
    }
    rest.extend_from_slice(pages.remainder());
    Ok(())
}

/// Reads N out of `pages-N.img`.
fn pages_id(name: &str) -> Option<u32> {
    name.strip_prefix("pages-")?.strip_suffix(".img")?.parse().ok()
}

/// Receives `size` bytes. `None` where the other side has hung up before the first one.
fn receive_exactly(connection: &UnixStream, size: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        match receive_up_to(connection.as_fd(), size - bytes.len())? {
            Some((part, _)) => bytes.extend_from_slice(&part),
            None if bytes.is_empty() => return Ok(None),
            None => return Err(nonsense("cut short")),
        }
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::chunks::{ChunkStore, ChunkWriter};
    use crate::sys::testing::TestDirectory;
    use proptest::prelude::*;
    use thaw_snapshot::messages::send_message;

    /// A message of somebody in CRIU's place.
    #[derive(Clone, Debug)]
    enum Step {
        /// A file, whole: its content comes through a pipe.
        File {
            name: String,
            content: Vec<u8>,
        },
        WithoutPipe {
            name: String,
        },
        Bytes(Vec<u8>),
    }

    fn request(name: &str) -> Vec<u8> {
        let body = FileRequest { filename: name.into() }.encode_to_vec();
        [&(body.len() as u32).to_le_bytes()[..], &body].concat()
    }

    fn play(path: &std::path::Path, steps: Vec<Step>) {
        let mut connection = UnixStream::connect(path).expect("it listens");
        for step in steps {
            let done = match step {
                Step::Bytes(bytes) => connection.write_all(&bytes),
                Step::WithoutPipe { name } => {
                    connection.write_all(&request(&name)).and_then(|()| connection.write_all(b"x"))
                }
                Step::File { name, content } => (|| {
                    let (reading, writing) = nix::unistd::pipe()?;
                    connection.write_all(&request(&name))?;
                    send_message(connection.as_fd(), b"x", &[reading.as_fd()])?;
                    drop(reading);
                    // Refused: nobody reads it.
                    std::fs::File::from(writing).write_all(&content)
                })(),
            };
            if done.is_err() {
                return;
            }
        }
    }

    fn capture_of(steps: Vec<Step>) -> (Result<Files>, Vec<Vec<u8>>) {
        let dir = TestDirectory::new();
        let store = ChunkStore::new(dir.open());
        let socket = TestDirectory::new();
        let path = socket.0.join(SOCKET_NAME);
        let listeners = Listeners::bind(&socket.0).expect("binds");
        let (cancel, ended) = nix::unistd::pipe().expect("a pipe");
        let mut writer = ChunkWriter::new(&store, &[1; 32]);
        let captured = std::thread::scope(|scope| {
            scope.spawn(|| {
                play(&path, steps);
                drop(ended);
            });
            capture(listeners, cancel.as_fd(), &mut writer)
        });
        let open = |chunk: &thaw_snapshot::chunk::ChunkRef| {
            thaw_snapshot::chunk::open(chunk, store.directory.read(&chunk.name).expect("is there")).expect("opens")
        };
        let contents = writer.chunks.iter().map(open).collect();
        (captured, contents)
    }

    #[test]
    fn gives_back_what_came() {
        let page = |byte: u8| vec![byte; PAGE_SIZE_BYTES];
        let steps = vec![
            Step::File { name: "inventory.img".into(), content: b"inventory".to_vec() },
            Step::File { name: "pages-3.img".into(), content: [page(1), page(0), page(2)].concat() },
            Step::File { name: "mm-9.img".into(), content: b"memory".to_vec() },
        ];
        let (captured, contents) = capture_of(steps);
        let captured = captured.expect("is captured");
        let places = &captured.pages[&3];
        assert!(places[1].is_none());
        for (number, byte) in [(0, 1), (2, 2)] {
            let (chunk, slot) = places[number].expect("is stored");
            assert_eq!(contents[chunk as usize][slot as usize * PAGE_SIZE_BYTES], byte);
        }
        assert_eq!(captured.kept["mm-9.img"], b"memory");
        for image in &captured.images {
            let read = |extent: &Extent| {
                contents[extent.chunk as usize][extent.offset as usize..][..extent.length as usize].to_vec()
            };
            let content: Vec<u8> = image.extents.iter().flat_map(read).collect();
            assert_eq!(content, if image.name == "mm-9.img" { b"memory".to_vec() } else { b"inventory".to_vec() });
        }
    }

    #[test]
    fn criu_may_end_the_processes_only_when_their_pages_are_read() {
        let dir = TestDirectory::new();
        let store = ChunkStore::new(dir.open());
        let socket = TestDirectory::new();
        let listeners = Listeners::bind(&socket.0).expect("binds");
        let (cancel, _ended) = nix::unistd::pipe().expect("a pipe");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                capture(listeners, cancel.as_fd(), &mut ChunkWriter::new(&store, &[1; 32]))
                    .map(|_| ())
                    .expect("is captured")
            });
            let mut criu = UnixStream::connect(socket.0.join(SOCKET_NAME)).expect("it listens");
            let (reading, writing) = nix::unistd::pipe().expect("a pipe");
            let mut script = UnixStream::connect(socket.0.join(DUMPED_SOCKET_NAME)).expect("it listens");
            criu.write_all(&request("pages-1.img")).expect("is sent");
            send_message(criu.as_fd(), b"x", &[reading.as_fd()]).expect("is sent");
            drop(reading);
            // Once another file is read, the request above and the script have both been seen.
            let (reading, writing_other) = nix::unistd::pipe().expect("a pipe");
            criu.write_all(&request("fs-9.img")).expect("is sent");
            send_message(criu.as_fd(), b"x", &[reading.as_fd()]).expect("is sent");
            drop(reading);
            let mut other = std::fs::File::from(writing_other);
            while other.write_all(&[0; 4096]).is_ok_and(|()| unread(&other) > 0) {}
            script.set_nonblocking(true).expect("is set");
            assert_eq!(script.read(&mut [0]).expect_err("no answer yet").kind(), io::ErrorKind::WouldBlock);
            drop(writing);
            script.set_nonblocking(false).expect("is set");
            assert_eq!(script.read(&mut [0]).expect("an answer"), 1);
        });
    }

    fn unread(pipe: &impl AsRawFd) -> libc::c_int {
        let mut size = 0;
        // SAFETY: FIONREAD writes one int.
        unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &mut size) };
        size
    }

    fn step() -> impl Strategy<Value = Step> {
        let name = prop_oneof![
            "pages-[0-9]{1,3}\\.img",
            "(mm|pagemap)-[0-9]{1,3}\\.img",
            "[a-z./]{0,12}",
            Just("x".repeat(200))
        ];
        let content = proptest::collection::vec(any::<u8>(), 0..9000);
        prop_oneof![
            4 => (name.clone(), content).prop_map(|(name, content)| Step::File { name, content }),
            1 => name.prop_map(|name| Step::WithoutPipe { name }),
            1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Step::Bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Taken or refused: never a panic, never a wait without end.
        #[test]
        fn any_stream_is_taken_or_refused(steps in proptest::collection::vec(step(), 0..6)) {
            let _ = capture_of(steps);
        }
    }
}
