//! Extended attributes of a function's files: its own (`user.`) and access lists. Those of the system's security are
//! not a function's to set.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use thaw_snapshot::hex;

const SIZE_BYTES_MAX: usize = 64 * 1024;

fn path_of(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_")
}

/// Reads names and values as hexadecimal digits; none where the file system has none.
pub fn read(path: &Path) -> io::Result<Vec<(String, String)>> {
    let path = path_of(path)?;
    let mut names = vec![0u8; SIZE_BYTES_MAX];
    // SAFETY: the path is a valid C string, and the buffer as long as we say.
    let size = unsafe { libc::llistxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    if size < 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::EOPNOTSUPP) { Ok(Vec::new()) } else { Err(error) };
    }
    let kept = names[..size as usize].split(|byte| *byte == 0).filter(|name| is_kept(name));
    kept.map(|name| Ok((hex::encode(name), hex::encode(&read_value(&path, name)?)))).collect()
}

fn read_value(path: &CString, name: &[u8]) -> io::Result<Vec<u8>> {
    let name = CString::new(name).expect("split at each NUL");
    let mut value = vec![0u8; SIZE_BYTES_MAX];
    // SAFETY: both are valid C strings, and the buffer as long as we say.
    let size = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    if size < 0 {
        return Err(io::Error::last_os_error());
    }
    value.truncate(size as usize);
    Ok(value)
}

/// Writes an attribute, unless the clone's file system has no such ones: it is left out then, as `cp` does.
pub fn write(path: &Path, name: &str, value: &str) -> io::Result<()> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let path = path_of(path)?;
    let name = hex::decode_vec(name)
        .filter(|name| is_kept(name))
        .and_then(|name| CString::new(name).ok())
        .ok_or_else(invalid)?;
    let value = hex::decode_vec(value).ok_or_else(invalid)?;
    // SAFETY: both are valid C strings, and the value as long as we say.
    let done = unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    let error = io::Error::last_os_error();
    if done == 0 || error.raw_os_error() == Some(libc::EOPNOTSUPP) {
        Ok(())
    } else {
        Err(error)
    }
}
