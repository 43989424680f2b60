//! Reading HTTP/1.1 requests from a byte stream: pure, no I/O.
//!
//! A request's head is parsed whole; its body is handed on in pieces. Bytes past the end of a request are left for the
//! next one.

/// Largest head, as that of Go's HTTP server, which AWS's Runtime API is written with: 1 MiB and some more. AWS's
/// clients put up to 1 MiB into `X_RAY_CAUSE`.
pub const HEAD_SIZE_BYTES_MAX: usize = 1024 * 1024 + 4096;
/// Largest head without that field: what is relayed. The clients send a few hundred bytes.
const RELAYED_SIZE_BYTES_MAX: usize = 16 * 1024;
/// The cause of an error for X-Ray, with all its frames. Nobody is there to take it, so it is not relayed.
const X_RAY_CAUSE: &str = "lambda-runtime-function-xray-error-cause";
const HEADERS_MAX: usize = 100;
/// A chunk's size line, with extensions nobody sends.
const CHUNK_LINE_BYTES_MAX: usize = 256;
/// A line of the trailers: AWS's clients send an error document in one, in Base64.
const TRAILER_LINE_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub expects_continue: bool,
    /// The client wants the connection closed after the answer.
    pub closes: bool,
    pub body: Body,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Body {
    Length(u64),
    Chunked(Chunk),
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Chunk {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Head(Head, usize),
    Incomplete,
    Malformed,
}

/// `searched`: how many of the bytes an earlier call has seen, so that a long head which comes byte by byte is not
/// parsed again with each of them.
pub fn parse_head(bytes: &[u8], searched: usize) -> Parsed {
    if bytes.len() > RELAYED_SIZE_BYTES_MAX && bytes.len() < HEAD_SIZE_BYTES_MAX && !has_end(bytes, searched) {
        return Parsed::Incomplete;
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let size = match request.parse(bytes) {
        Ok(httparse::Status::Complete(size)) if size <= HEAD_SIZE_BYTES_MAX => size,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_SIZE_BYTES_MAX => return Parsed::Incomplete,
        _ => return Parsed::Malformed,
    };
    let (Some(method), Some(path)) = (request.method, request.path) else { return Parsed::Malformed };
    let mut head = Head {
        method: method.to_string(),
        path: path.to_string(),
        headers: Vec::with_capacity(request.headers.len()),
        expects_continue: false,
        closes: request.version == Some(0),
        body: Body::Length(0),
    };
    let (mut length, mut chunked) = (None, false);
    let mut relayed_size = size;
    for header in request.headers.iter() {
        let name = header.name.to_ascii_lowercase();
        if name == X_RAY_CAUSE {
            relayed_size -= header.value.len();
            continue;
        }
        let value = String::from_utf8_lossy(header.value).trim().to_string();
        match name.as_str() {
            "content-length" => match (value.parse::<u64>(), length) {
                (Ok(number), None) => length = Some(number),
                (Ok(number), Some(earlier)) if number == earlier => {}
                _ => return Parsed::Malformed,
            },
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => chunked = true,
            "transfer-encoding" => return Parsed::Malformed,
            "expect" => head.expects_continue = value.eq_ignore_ascii_case("100-continue"),
            "connection" => {
                head.closes =
                    value.eq_ignore_ascii_case("close") || head.closes && !value.eq_ignore_ascii_case("keep-alive");
            }
            _ => {}
        }
        head.headers.push((name, value));
    }
    if chunked && length.is_some() || relayed_size > RELAYED_SIZE_BYTES_MAX {
        return Parsed::Malformed;
    }
    head.body = if chunked { Body::Chunked(Chunk::Size) } else { Body::Length(length.unwrap_or(0)) };
    Parsed::Head(head, size)
}

/// Tells whether an empty line ends among the bytes that were not searched yet.
fn has_end(bytes: &[u8], searched: usize) -> bool {
    let fresh = &bytes[searched.saturating_sub(2).min(bytes.len())..];
    fresh.windows(2).any(|pair| pair == b"\n\n") || fresh.windows(3).any(|three| three == b"\n\r\n")
}

#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// These bytes of the input are body.
    Piece {
        start: usize,
        end: usize,
        consumed: usize,
    },
    /// These bytes of the input are a field of the trailers.
    Trailer {
        start: usize,
        end: usize,
        consumed: usize,
    },
    /// Framing was read; ask again.
    Skipped {
        consumed: usize,
    },
    Incomplete,
    Done {
        consumed: usize,
    },
    Malformed,
}

impl Body {
    /// Takes one step over `bytes` and remembers where it is.
    pub fn advance(&mut self, bytes: &[u8]) -> Progress {
        match self {
            Body::Length(0) => Progress::Done { consumed: 0 },
            Body::Length(rest) => {
                let piece = take(rest, bytes);
                piece.map_or(Progress::Incomplete, |end| Progress::Piece { start: 0, end, consumed: end })
            }
            Body::Chunked(chunk) => chunk.advance(bytes),
        }
    }
}

fn take(rest: &mut u64, bytes: &[u8]) -> Option<usize> {
    let end = (*rest).min(bytes.len() as u64) as usize;
    *rest -= end as u64;
    (end > 0).then_some(end)
}

impl Chunk {
    fn advance(&mut self, bytes: &[u8]) -> Progress {
        match self {
            Chunk::Data(0) => {
                *self = Chunk::DataEnd;
                Progress::Skipped { consumed: 0 }
            }
            Chunk::Data(rest) => {
                take(rest, bytes).map_or(Progress::Incomplete, |end| Progress::Piece { start: 0, end, consumed: end })
            }
            Chunk::Size | Chunk::DataEnd | Chunk::Trailer => self.advance_line(bytes),
        }
    }

    fn advance_line(&mut self, bytes: &[u8]) -> Progress {
        let limit = if matches!(self, Chunk::Trailer) { TRAILER_LINE_BYTES_MAX } else { CHUNK_LINE_BYTES_MAX };
        let Some(end) = bytes.windows(2).take(limit).position(|pair| pair == b"\r\n") else {
            return if bytes.len() > limit { Progress::Malformed } else { Progress::Incomplete };
        };
        let (line, consumed) = (&bytes[..end], end + 2);
        match self {
            Chunk::DataEnd if line.is_empty() => *self = Chunk::Size,
            Chunk::Trailer if line.is_empty() => return Progress::Done { consumed },
            Chunk::Trailer => return Progress::Trailer { start: 0, end, consumed },
            Chunk::Size => match parse_size(line) {
                Some(0) => *self = Chunk::Trailer,
                Some(size) => *self = Chunk::Data(size),
                None => return Progress::Malformed,
            },
            _ => return Progress::Malformed,
        }
        Progress::Skipped { consumed }
    }
}

fn parse_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?;
    let text = std::str::from_utf8(digits).ok()?.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten().filter(|size| *size <= u64::from(u32::MAX))
}

/// Writes the head of an answer; no length means chunked.
pub fn response_head(status: u16, headers: &[(String, String)], length: Option<u64>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        // A line break in a value would end the header: never relayed.
        let clean = |text: &str| text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect::<String>();
        head.push_str(&format!("{}: {}\r\n", clean(name), clean(value)));
    }
    match length {
        Some(length) => head.push_str(&format!("Content-Length: {length}\r\n\r\n")),
        None => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
    }
    head.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Payload Too Large",
        500 => "Internal Server Error",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_body(mut body: Body, mut bytes: &[u8]) -> Result<(Vec<u8>, usize), Progress> {
        let (mut out, whole) = (Vec::new(), bytes.len());
        loop {
            match body.advance(bytes) {
                Progress::Piece { start, end, consumed } => {
                    out.extend_from_slice(&bytes[start..end]);
                    bytes = &bytes[consumed..];
                }
                Progress::Trailer { consumed, .. } | Progress::Skipped { consumed } => bytes = &bytes[consumed..],
                Progress::Done { consumed } => return Ok((out, whole - bytes.len() + consumed)),
                other => return Err(other),
            }
        }
    }

    #[test]
    fn reads_a_head() {
        let text = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
        let Parsed::Head(head, size) = parse_head(text, 0) else { panic!("no head") };
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/a?b=c"));
        assert_eq!(head.headers[0], ("host".to_string(), "x".to_string()));
        assert_eq!(read_body(head.body, &text[size..]), Ok((b"hello".to_vec(), 5)));
    }

    #[test]
    fn reads_chunks_and_leaves_what_follows() {
        let text = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: a\r\n\r\nGET";
        let read = read_body(Body::Chunked(Chunk::Size), text);
        assert_eq!(read, Ok((b"hello world".to_vec(), text.len() - 3)));
    }

    #[test]
    fn refuses_ambiguous_lengths() {
        for text in [
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "nonsense\r\n\r\n",
        ] {
            assert_eq!(parse_head(text.as_bytes(), 0), Parsed::Malformed, "{text}");
        }
    }

    fn head_with(name: &str, size: usize) -> Vec<u8> {
        format!("POST /a HTTP/1.1\r\nHost: x\r\n{name}: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(size)).into_bytes()
    }

    #[test]
    fn takes_a_long_cause_for_x_ray_and_does_not_relay_it() {
        let text = head_with("Lambda-Runtime-Function-XRay-Error-Cause", 1024 * 1024);
        let Parsed::Head(head, size) = parse_head(&text, 0) else { panic!("no head") };
        let names: Vec<&str> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, size), (vec!["host", "content-length"], text.len()));
    }

    #[test]
    fn sees_the_end_of_a_long_head_wherever_it_is_cut() {
        let text = head_with("Lambda-Runtime-Function-XRay-Error-Cause", 20_000);
        let mut searched = 0;
        for cut in text.len() - 5..text.len() {
            assert_eq!(parse_head(&text[..cut], searched), Parsed::Incomplete, "{cut}");
            searched = cut;
        }
        assert!(matches!(parse_head(&text, searched), Parsed::Head(..)));
    }

    #[test]
    fn refuses_other_long_heads() {
        assert!(matches!(parse_head(&head_with("x", 16_000), 0), Parsed::Head(..)));
        assert_eq!(parse_head(&head_with("x", 17_000), 0), Parsed::Malformed);
        let endless = vec![b'x'; HEAD_SIZE_BYTES_MAX];
        assert_eq!(parse_head(&endless, endless.len() - 1), Parsed::Malformed);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_head(&bytes, 0);
            let _ = read_body(Body::Chunked(Chunk::Size), &bytes);
        }
    }
}
