//! Bytes on their way out through a socket that may take them only later.

use std::io::{self, ErrorKind, Write};

#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// Gives the buffer, to append to.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Counts the bytes that are not sent yet.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends what the socket takes now. Throws what the socket does, apart from "later".
    pub fn write_to(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.sent < self.bytes.len() {
            match socket.write(&self.bytes[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // Memory kept here would be in every snapshot.
        *self = Outgoing::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes two bytes, then has no room once, and so on.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        is_full: bool,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_full = !self.is_full;
            if !self.is_full {
                return Err(ErrorKind::WouldBlock.into());
            }
            let length = bytes.len().min(2);
            self.taken.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn goes_on_where_the_socket_had_no_room() {
        let (mut outgoing, mut socket) = (Outgoing::default(), Slow::default());
        outgoing.bytes().extend_from_slice(b"abc");
        outgoing.write_to(&mut socket).expect("is sent");
        assert_eq!(outgoing.len(), 1);
        outgoing.bytes().push(b'd');
        while !outgoing.is_empty() {
            outgoing.write_to(&mut socket).expect("is sent");
        }
        assert_eq!(socket.taken, b"abcd");
        assert_eq!(outgoing.bytes.capacity(), 0);
    }
}
