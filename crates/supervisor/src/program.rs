//! What is there under the name of a program that could not be started. The server makes a sentence of it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde_json::{json, Value};

/// Bytes of the beginning: an ELF header, or the line that names an interpreter (the kernel reads 256 of it).
const HEAD_SIZE: u64 = 256;

/// Looks at a path in the function's own file system; nothing of it is trusted, and nothing is waited for.
pub fn describe(path: &str) -> Value {
    let path = Path::new(path);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => json!({ "kind": "directory" }),
        Ok(metadata) if metadata.is_file() => json!({
            "kind": "file",
            "mode": metadata.mode() & 0o7777,
            "head": head_of(path).as_deref().map(hex),
        }),
        Ok(_) => json!({ "kind": "other" }),
        // A link whose end is missing is there itself.
        Err(_) if fs::symlink_metadata(path).as_ref().is_ok_and(Metadata::is_symlink) => json!({ "kind": "link" }),
        Err(_) => json!({ "kind": "missing" }),
    }
}

fn head_of(path: &Path) -> Option<Vec<u8>> {
    let file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path).ok()?;
    let mut head = Vec::new();
    file.take(HEAD_SIZE).read_to_end(&mut head).ok()?;
    Some(head)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("thaw-program-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        folder
    }

    #[test]
    fn tells_what_is_there() {
        let folder = folder();
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        fs::write(path("script"), vec![b'#'; 1000]).expect("a file");
        symlink("nowhere", path("link")).expect("a link");
        let script = describe(&path("script"));
        assert_eq!((script["kind"].as_str(), script["head"].as_str().map(str::len)), (Some("file"), Some(512)));
        assert_eq!(describe(&path("none")), json!({ "kind": "missing" }));
        assert_eq!(describe(&path("link")), json!({ "kind": "link" }));
        assert_eq!(describe(&path(".")), json!({ "kind": "directory" }));
        assert_eq!(describe("/dev/null"), json!({ "kind": "other" }));
        fs::remove_dir_all(folder).expect("is removed");
    }
}
