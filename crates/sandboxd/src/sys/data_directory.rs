//! The data directory. It belongs to the server's user, who may change every name in it at any moment: root goes below
//! it from open directories only, and follows no link.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use thaw_snapshot::beneath;

pub struct DataDirectory {
    dir: OwnedFd,
    /// The server's user and group.
    pub owner: u32,
}

/// A directory in the data directory that nobody but root can enter. The server may rename it, but what is opened here
/// stays root's.
pub struct PrivateDirectory {
    dir: OwnedFd,
}

fn explain(name: &str, error: &io::Error) -> io::Error {
    let message = format!("{name} in the data directory can't be used: {error}. Move it away, and start again.");
    io::Error::new(error.kind(), message)
}

impl DataDirectory {
    /// Throws where the way to it could be changed by the server's user.
    pub fn open(path: &Path, owner: u32) -> io::Result<Self> {
        check_way(path, owner)?;
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        Ok(DataDirectory { dir: File::options().read(true).custom_flags(flags).open(path)?.into(), owner })
    }

    /// Opens one of the directories that sandboxd and the server share. Makes it, and gives it to the server.
    pub fn open_for_server(&self, name: &str) -> io::Result<OwnedFd> {
        let open = || {
            let dir = beneath::make_dir(&self.dir, name, 0o755)?;
            beneath::give(&dir, self.owner)?;
            Ok(dir)
        };
        open().map_err(|error| explain(name, &error))
    }

    /// Opens a directory of root's own. Throws where somebody else's is in its place.
    pub fn open_private(&self, name: &str) -> io::Result<PrivateDirectory> {
        let open = || {
            let dir = beneath::make_dir(&self.dir, name, 0o700)?;
            let meta = File::from(dir.try_clone()?).metadata()?;
            if meta.uid() != nix::unistd::geteuid().as_raw() {
                let message = format!("it belongs to user {}, not to root", meta.uid());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
            }
            File::from(dir.try_clone()?).set_permissions(fs::Permissions::from_mode(0o700))?;
            Ok(PrivateDirectory { dir })
        };
        open().map_err(|error| explain(name, &error))
    }

    /// Opens a file of root's own, which nobody else can hold open.
    pub fn open_own_file(&self, name: &str) -> io::Result<File> {
        let file: File = beneath::open(&self.dir, name, OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_NONBLOCK, 0o600)
            .map_err(|error| explain(name, &error))?
            .into();
        Ok(file)
    }
}

impl PrivateDirectory {
    /// A path to it that holds while this process lives, whatever the server renames, in every mount namespace that
    /// shows the host's processes.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.dir.as_raw_fd()))
    }
}

/// Throws where a directory above is the server's: it could put another one in the place of the data directory.
fn check_way(path: &Path, owner: u32) -> io::Result<()> {
    for above in path.ancestors().skip(1) {
        let meta = fs::symlink_metadata(above)?;
        if owner != nix::unistd::geteuid().as_raw() && meta.uid() == owner {
            let message = format!("{} belongs to the server's user, who could exchange what is in it", above.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TestDirectory;
    use std::os::unix::fs::symlink;

    fn me() -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    #[test]
    fn a_link_in_the_place_of_a_directory_or_a_file_is_not_followed() {
        let dir = TestDirectory::new();
        let (data, outside) = (dir.0.join("data"), dir.0.join("outside"));
        for path in [&data, &outside] {
            fs::create_dir(path).expect("makes");
        }
        fs::set_permissions(&outside, fs::Permissions::from_mode(0o755)).expect("is set");
        for name in ["opt", "scratch"] {
            symlink(&outside, data.join(name)).expect("links");
        }
        symlink(outside.join("made"), data.join("sandboxd.lock")).expect("links");
        let data = DataDirectory::open(&data, me()).expect("opens");
        assert!(data.open_for_server("opt").is_err());
        assert!(data.open_private("scratch").is_err());
        assert!(data.open_own_file("sandboxd.lock").is_err());
        assert_eq!(fs::read_dir(&outside).expect("is there").count(), 0);
        assert_eq!(fs::metadata(&outside).expect("is there").mode() & 0o777, 0o755);
        assert!(DataDirectory::open(&dir.0.join("data/opt"), me()).is_err(), "a link as the data directory");
    }

    #[test]
    fn what_is_opened_stays_when_another_directory_takes_its_name() {
        let dir = TestDirectory::new();
        let data = DataDirectory::open(&dir.0, me()).expect("opens");
        let scratch = data.open_private("scratch").expect("opens");
        fs::rename(dir.0.join("scratch"), dir.0.join("away")).expect("renames");
        fs::create_dir(dir.0.join("scratch")).expect("makes");
        symlink(dir.0.join("target"), dir.0.join("scratch/image")).expect("links");
        fs::write(scratch.path().join("image"), b"ours").expect("writes");
        assert!(!dir.0.join("target").exists());
        assert_eq!(fs::read(dir.0.join("away/image")).expect("reads"), b"ours");
    }
}
