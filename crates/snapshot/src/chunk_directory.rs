//! A directory of chunk files, `ab/abcdef…`, each written beside and renamed into place. The server's user may write
//! here too, so nothing is trusted: names are opened without following links, and contents are compared or
//! authenticated.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::stat::{fstat, fstatat, SFlag};

use crate::beneath;
use crate::chunk::{ChunkName, FILE_SIZE_BYTES_MAX};
use crate::hex;

const DRAFT_LIFETIME: std::time::Duration = std::time::Duration::from_secs(3600);

pub struct ChunkDirectory {
    dir: OwnedFd,
    serial: AtomicU64,
}

/// Names the directory that a chunk is in, and the chunk's file there.
fn place_of(name: &ChunkName) -> (String, String) {
    let text = hex::encode(name);
    (text[..2].to_string(), text)
}

/// A chunk is written in a moment.
fn is_left_behind(entry: &std::fs::DirEntry) -> bool {
    let written = entry.metadata().and_then(|meta| meta.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DRAFT_LIFETIME))
}

impl ChunkDirectory {
    pub fn new(dir: OwnedFd) -> Self {
        ChunkDirectory { dir, serial: AtomicU64::new(0) }
    }

    /// Reads the file as it is; `NotFound` where there is none. One longer than a chunk may be is cut one byte over the
    /// limit, so that it is refused.
    pub fn read(&self, name: &ChunkName) -> io::Result<Vec<u8>> {
        let (group, file) = place_of(name);
        let file = beneath::open_file(&self.dir, format!("{group}/{file}"))?;
        let mut bytes = Vec::with_capacity(FILE_SIZE_BYTES_MAX + 1);
        File::from(file).take(FILE_SIZE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes everything durable that was written so far.
    pub fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::syncfs(&self.dir)?)
    }

    pub fn has(&self, name: &ChunkName) -> bool {
        let (group, file) = place_of(name);
        let found = beneath::open_dir(&self.dir, group)
            .and_then(|group| Ok(fstatat(group, file.as_str(), nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)?));
        found.is_ok_and(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG)
    }

    /// Writes a chunk; true where the file is new. One that is there already is compared byte by byte: a crash may have
    /// left it empty, and another user may have put it there.
    pub fn write(&self, name: &ChunkName, bytes: &[u8]) -> io::Result<bool> {
        match self.read(name) {
            Ok(found) if found == bytes => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (group, path) = place_of(name);
        let group = self.make_group(&group)?;
        let draft = format!(".{}-{}", std::process::id(), self.serial.fetch_add(1, Ordering::Relaxed));
        let mut file = beneath::create_new(&group, &draft, 0o644)?;
        let written = file.write_all(bytes).and_then(|()| beneath::rename(&group, &draft, &path));
        if written.is_err() {
            beneath::remove_file(&group, &draft)?;
        }
        written.map(|()| true)
    }

    /// Opens a group's directory. A new one is given to the owner of all: the server adds what it fetches, and removes
    /// what is evicted.
    fn make_group(&self, name: &str) -> io::Result<OwnedFd> {
        match beneath::open_dir(&self.dir, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let group = beneath::make_dir(&self.dir, name, 0o755)?;
        let owner = fstat(&self.dir)?.st_uid;
        if owner != nix::unistd::geteuid().as_raw() {
            beneath::give(&group, owner)?;
        }
        Ok(group)
    }

    pub fn remove(&self, name: &ChunkName) -> io::Result<()> {
        let (group, file) = place_of(name);
        let removed = beneath::open_dir(&self.dir, group).and_then(|group| beneath::remove_file(group, file));
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Lists every chunk that is there. Removes drafts that a crash left: those that nobody can be writing any more.
    pub fn list(&self) -> io::Result<Vec<ChunkName>> {
        let mut names = Vec::new();
        for group in std::fs::read_dir(beneath::path_in(self.dir.as_fd(), "."))?.flatten() {
            if !group.file_type()?.is_dir() {
                continue;
            }
            // Swapped for a link meanwhile, or gone.
            let Ok(group) = beneath::open_dir(&self.dir, group.file_name()) else { continue };
            for entry in std::fs::read_dir(beneath::path_in(group.as_fd(), "."))?.flatten() {
                match entry.file_name().to_str().and_then(hex::decode::<32>) {
                    Some(name) => names.push(name),
                    None if is_left_behind(&entry) => drop(beneath::remove_file(&group, entry.file_name())),
                    None => {}
                }
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    struct TestDirectory(PathBuf);

    impl TestDirectory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("thaw-chunks-{name}-{}", std::process::id()));
            fs::create_dir(&path).expect("is made");
            TestDirectory(path)
        }
    }

    impl Drop for TestDirectory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn nothing_outside_is_read_written_listed_or_removed_through_a_link() {
        let dir = TestDirectory::new("links");
        let outside = dir.0.join("outside");
        fs::create_dir(&outside).expect("is made");
        fs::create_dir(dir.0.join("chunks")).expect("is made");
        let name: ChunkName = [7; 32];
        let chunk = outside.join(hex::encode(&name));
        fs::write(&chunk, b"theirs").expect("is written");
        let old = fs::File::create(outside.join("old")).expect("is made");
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("is set");
        symlink(&outside, dir.0.join("chunks/07")).expect("is made");
        let chunks = ChunkDirectory::new(fs::File::open(dir.0.join("chunks")).expect("opens").into());
        assert!(!chunks.has(&name));
        assert!(chunks.read(&name).is_err());
        assert!(chunks.write(&name, b"ours").is_err());
        assert!(chunks.remove(&name).is_err());
        assert_eq!(chunks.list().expect("lists"), Vec::<ChunkName>::new());
        assert_eq!(fs::read(&chunk).expect("is there"), b"theirs");
        assert!(outside.join("old").exists());
        assert_eq!(fs::read_dir(&outside).expect("lists").count(), 2);
    }
}
