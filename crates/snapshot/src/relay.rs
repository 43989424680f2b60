//! What the relay in a sandbox and the pager say to each other, one message each (SEQPACKET).

/// Descriptors travel with `Process`: its userfaultfd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromRelay {
    Process { pid: u32 },
    /// CRIU has put all processes in place and lets them go.
    Restored,
}

/// With `Hold` comes the userfaultfd of a forked child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToRelay {
    Hold,
    /// Every page is in place: the relay lets go of its descriptors and ends.
    Release,
}

impl FromRelay {
    pub fn encode(self) -> Vec<u8> {
        match self {
            FromRelay::Process { pid } => [&[1u8][..], &pid.to_le_bytes()].concat(),
            FromRelay::Restored => vec![2],
        }
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1, pid @ ..] => Some(FromRelay::Process { pid: u32::from_le_bytes(pid.try_into().ok()?) }),
            [2] => Some(FromRelay::Restored),
            _ => None,
        }
    }
}

impl ToRelay {
    pub fn encode(self) -> Vec<u8> {
        vec![match self {
            ToRelay::Hold => 3,
            ToRelay::Release => 4,
        }]
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [3] => Some(ToRelay::Hold),
            [4] => Some(ToRelay::Release),
            _ => None,
        }
    }
}
