//! The program as it is: a server on its control socket, clients on its Runtime API.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{json, Value};

const HEADER_SIZE: usize = 12;
const HELLO: u8 = 0x01;
const RESPONSE_HEAD: u8 = 0x04;
const RESPONSE_END: u8 = 0x06;
const PARK: u8 = 0x08;
const REQUEST_MORE: u8 = 0x09;
const REQUEST_SKIP: u8 = 0x0a;
const LIST: u8 = 0x0b;
const KEEP: u8 = 0x0c;
const CONNECT: u8 = 0x0d;
const SEND: u8 = 0x0e;
const HELLO_BACK: u8 = 0x81;
const REQUEST_HEAD: u8 = 0x83;
const REQUEST_BODY: u8 = 0x84;
const REQUEST_END: u8 = 0x85;
const REQUEST_ABORT: u8 = 0x86;
const PARKED: u8 = 0x89;
const LISTED: u8 = 0x8a;
const WRITTEN: u8 = 0x8b;
const RECEIVED: u8 = 0x8c;
const HUNG_UP: u8 = 0x8d;
const WINDOW: usize = 256 * 1024;
const READ: usize = 64 * 1024;
/// Limit of a wait that fails the test, not of anything that it measures.
const LIMIT: Duration = Duration::from_secs(60);

struct Program {
    child: Child,
    directory: PathBuf,
    port: u16,
    _reserved: OwnedFd,
}

impl Program {
    fn start(name: &str) -> Program {
        let directory = std::env::temp_dir().join(format!("thaw-supervisor-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let (reserved, port) = reserve_port();
        // SAFETY: no arguments, no effects.
        let uid = unsafe { libc::geteuid() };
        let child = Command::new(env!("CARGO_BIN_EXE_thaw-supervisor"))
            .args([directory.join("ctl.sock").as_os_str(), uid.to_string().as_ref(), port.to_string().as_ref()])
            .spawn()
            .expect("starts");
        Program { child, directory, port, _reserved: reserved }
    }

    fn server(&self) -> Server {
        let path = self.directory.join("ctl.sock");
        let socket = loop {
            match UnixStream::connect(&path) {
                Ok(socket) => break socket,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        };
        socket.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut server = Server { socket };
        server.send(HELLO, 0, json!({ "protocol": 2 }).to_string().as_bytes());
        server
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("connects");
        client.set_read_timeout(Some(LIMIT)).expect("a limit");
        client
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Binds a free port without listening on it: the program can, nobody else is given it meanwhile.
fn reserve_port() -> (OwnedFd, u16) {
    // SAFETY: a new socket, owned here; the option and the address are read only.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert!(fd >= 0, "a socket");
        let socket = OwnedFd::from_raw_fd(fd);
        let (one, size) = (1i32, size_of::<i32>() as libc::socklen_t);
        assert_eq!(libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, (&raw const one).cast(), size), 0);
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from(Ipv4Addr::LOCALHOST).to_be();
        let mut size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        assert_eq!(libc::bind(fd, (&raw const address).cast(), size), 0);
        assert_eq!(libc::getsockname(fd, (&raw mut address).cast(), &raw mut size), 0);
        (socket, u16::from_be(address.sin_port))
    }
}

struct Server {
    socket: UnixStream,
}

impl Server {
    fn send(&mut self, kind: u8, call: u32, payload: &[u8]) {
        let mut frame = (payload.len() as u32).to_le_bytes().to_vec();
        frame.extend_from_slice(&[kind, 0, 0, 0]);
        frame.extend_from_slice(&call.to_le_bytes());
        frame.extend_from_slice(payload);
        self.socket.write_all(&frame).expect("is sent");
    }

    fn next(&mut self) -> (u8, u32, Vec<u8>) {
        let mut head = [0; HEADER_SIZE];
        self.socket.read_exact(&mut head).expect("a frame");
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut payload = vec![0; size];
        self.socket.read_exact(&mut payload).expect("its payload");
        (head[4], u32::from_le_bytes([head[8], head[9], head[10], head[11]]), payload)
    }

    fn expect(&mut self, kind: u8) -> (u32, Vec<u8>) {
        let (found, call, payload) = self.next();
        assert_eq!(found, kind, "{}", String::from_utf8_lossy(&payload));
        (call, payload)
    }

    fn expect_json(&mut self, kind: u8) -> Value {
        serde_json::from_slice(&self.expect(kind).1).expect("JSON")
    }

    /// Reads pieces of the body up to this many bytes.
    fn body(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < size {
            bytes.extend(self.expect(REQUEST_BODY).1);
        }
        bytes
    }

    fn answer(&mut self, call: u32) {
        self.send(RESPONSE_HEAD, call, json!({ "status": 202, "headers": [], "length": 0 }).to_string().as_bytes());
        self.send(RESPONSE_END, call, b"");
    }
}

/// Hangs up at once. A program that another test is just starting has a copy of this descriptor until it runs: that the
/// descriptor is closed here would be heard then, and the next server be refused meanwhile.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn chunked_head(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// Sends a request of that many bytes from a thread of its own, which gives the connection back.
fn send_aside(mut client: TcpStream, size: usize) -> JoinHandle<TcpStream> {
    std::thread::spawn(move || {
        client.write_all(format!("POST /a HTTP/1.1\r\nContent-Length: {size}\r\n\r\n").as_bytes()).expect("is sent");
        client.write_all(&vec![7; size]).expect("is sent");
        client
    })
}

fn read_answer(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("an answer");
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn hands_a_body_on_before_it_has_ended_and_its_trailers_with_the_end() {
    let program = Program::start("stream");
    let (mut server, mut client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    client.write_all(chunked_head("/a").as_bytes()).expect("is sent");
    let (call, head) = server.expect(REQUEST_HEAD);
    assert!(String::from_utf8(head).expect("text").contains(r#""path":"/a""#));
    client.write_all(b"3\r\none\r\n").expect("is sent");
    assert_eq!(server.expect(REQUEST_BODY), (call, b"one".to_vec()));
    let document = "x".repeat(100_000);
    client.write_all(format!("0\r\nError-Type: A\r\nError-Body: {document}\r\n\r\n").as_bytes()).expect("is sent");
    assert_eq!(server.expect_json(REQUEST_END), json!({ "trailers": [["error-type", "A"], ["error-body", document]] }));
    server.answer(call);
    assert!(read_answer(&mut client).starts_with("HTTP/1.1 202"));
}

#[test]
fn relays_no_more_than_the_window_until_the_server_asks_while_others_go_on() {
    let program = Program::start("window");
    let (mut server, client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    let size = 8 * 1024 * 1024;
    let sender = send_aside(client, size);
    let (call, _) = server.expect(REQUEST_HEAD);
    let first = server.body(WINDOW).len();
    assert!(first < WINDOW + READ, "{first}");
    // The next frame is another call's: nothing more of this one comes without a word.
    let mut other = program.client();
    other.write_all(b"GET /b HTTP/1.1\r\n\r\n").expect("is sent");
    let (second, _) = server.expect(REQUEST_HEAD);
    server.expect(REQUEST_END);
    server.answer(second);
    assert!(read_answer(&mut other).starts_with("HTTP/1.1 202"));
    server.send(REQUEST_MORE, call, &(size as u32).to_le_bytes());
    assert_eq!(server.body(size - first).len(), size - first);
    server.expect(REQUEST_END);
    server.answer(call);
    assert!(read_answer(&mut sender.join().expect("sends")).starts_with("HTTP/1.1 202"));
}

#[test]
fn counts_only_what_is_skipped() {
    let program = Program::start("skip");
    let (mut server, client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    let size = 4 * 1024 * 1024;
    let sender = send_aside(client, size);
    let (call, _) = server.expect(REQUEST_HEAD);
    server.body(WINDOW);
    server.send(REQUEST_SKIP, call, b"");
    assert_eq!(server.expect_json(REQUEST_END), json!({ "truncated": true, "length": size }));
    server.answer(call);
    assert!(read_answer(&mut sender.join().expect("sends")).starts_with("HTTP/1.1 202"));
}

#[test]
fn an_answer_before_the_end_reaches_the_client_and_its_connection_goes_on() {
    let program = Program::start("early");
    let (mut server, mut client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    client.write_all(chunked_head("/a").as_bytes()).expect("is sent");
    let (call, _) = server.expect(REQUEST_HEAD);
    server.answer(call);
    assert!(read_answer(&mut client).starts_with("HTTP/1.1 202"));
    client.write_all(b"3\r\none\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n").expect("is sent");
    let (next, head) = server.expect(REQUEST_HEAD);
    assert!(String::from_utf8(head).expect("text").contains(r#""path":"/b""#));
    assert!(next > call);
}

#[test]
fn a_client_that_hangs_up_or_breaks_the_framing_in_the_middle_is_told() {
    let program = Program::start("broken");
    let mut server = program.server();
    server.expect(HELLO_BACK);
    for rest in ["", "nonsense\r\n", "0\r\nno field\r\n\r\n"] {
        let mut client = program.client();
        client.write_all(chunked_head("/a").as_bytes()).expect("is sent");
        let (call, _) = server.expect(REQUEST_HEAD);
        client.write_all(rest.as_bytes()).expect("is sent");
        if rest.is_empty() {
            drop(client);
        } else {
            assert!(read_answer(&mut client).starts_with("HTTP/1.1 400"));
        }
        assert_eq!(server.expect(REQUEST_ABORT).0, call);
    }
}

#[test]
fn a_client_that_ends_in_the_middle_is_answered_as_aws_answers_it() {
    let program = Program::start("truncated");
    let mut server = program.server();
    server.expect_json(HELLO_BACK);
    for head in [chunked_head("/x") + "5\r\n", "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".into()] {
        let mut client = program.client();
        client.write_all(format!("{head}abc").as_bytes()).expect("is sent");
        let (call, _) = server.expect(REQUEST_HEAD);
        server.expect(REQUEST_BODY);
        client.shutdown(Shutdown::Write).expect("ends its side");
        assert_eq!(server.expect(REQUEST_ABORT).0, call);
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer, and the end");
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"TruncatedHTTPRequest\""), "{answer}");
    }
}

#[test]
fn half_a_request_is_told_to_the_next_server_from_its_head() {
    let program = Program::start("half");
    let (mut server, mut client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    client.write_all(chunked_head("/a").as_bytes()).expect("is sent");
    let (call, _) = server.expect(REQUEST_HEAD);
    client.write_all(b"3\r\none\r\n").expect("is sent");
    server.expect(REQUEST_BODY);
    server.send(PARK, 0, b"");
    assert_eq!(server.expect_json(PARKED), json!({ "calls": [] }));
    client.write_all(b"3\r\ntwo\r\n0\r\n\r\n").expect("is sent");
    let mut next = program.server();
    assert_eq!(next.expect_json(HELLO_BACK)["calls"], json!([]));
    let (again, head) = next.expect(REQUEST_HEAD);
    assert!(again > call && String::from_utf8(head).expect("text").contains(r#""path":"/a""#));
    assert_eq!(next.body(6), b"onetwo");
    next.expect(REQUEST_END);
    next.answer(again);
    assert!(read_answer(&mut client).starts_with("HTTP/1.1 202"));
}

#[test]
fn half_a_request_whose_beginning_is_gone_is_cut() {
    let program = Program::start("gone");
    let (mut server, mut client) = (program.server(), program.client());
    server.expect(HELLO_BACK);
    client.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 200000\r\n\r\n").expect("is sent");
    server.expect(REQUEST_HEAD);
    client.write_all(&[7; 100_000]).expect("is sent");
    server.body(100_000);
    drop(server);
    let mut next = program.server();
    assert_eq!(next.expect_json(HELLO_BACK)["calls"], json!([]));
    let mut byte = [0];
    let ended = client.read(&mut byte);
    assert!(matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    // It goes on with others.
    program.client().write_all(b"GET /b HTTP/1.1\r\n\r\n").expect("is sent");
    next.expect(REQUEST_HEAD);
}

#[test]
fn lists_a_directory_in_order_and_says_what_is_none() {
    let program = Program::start("list");
    let mut server = program.server();
    server.expect(HELLO_BACK);
    let directory = program.directory.join("extensions");
    std::fs::create_dir_all(directory.join("b-folder")).expect("a directory");
    std::fs::write(directory.join("c"), "").expect("a file");
    std::os::unix::fs::symlink("/nowhere", directory.join("a")).expect("a link");
    server.send(LIST, 0, json!({ "path": directory }).to_string().as_bytes());
    let listed = server.expect_json(LISTED);
    let names: Vec<(&str, bool)> = listed["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| (entry["name"].as_str().expect("a name"), entry["isDirectory"] == true))
        .collect();
    assert_eq!(names, [("a", false), ("b-folder", true), ("c", false)]);
    server.send(LIST, 0, json!({ "path": directory.join("none") }).to_string().as_bytes());
    assert_eq!(server.expect_json(LISTED)["error"], "ENOENT");
}

#[test]
fn keeps_a_text_for_the_next_server() {
    let program = Program::start("keep");
    let mut server = program.server();
    assert_eq!(server.expect_json(HELLO_BACK)["kept"], Value::Null);
    server.send(KEEP, 0, br#"{"a":1}"#);
    server.send(PARK, 0, b"");
    server.expect(PARKED);
    drop(server);
    assert_eq!(program.server().expect_json(HELLO_BACK)["kept"], r#"{"a":1}"#);
}

#[test]
fn carries_bytes_to_a_listener_of_the_function_and_back() {
    let program = Program::start("outward");
    let mut server = program.server();
    server.expect(HELLO_BACK);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    server.send(CONNECT, 7, json!({ "port": port }).to_string().as_bytes());
    assert_eq!(server.expect(WRITTEN).0, 7);
    let (mut subscriber, _) = listener.accept().expect("a connection");
    let bytes: Vec<u8> = (0..64 * 1024).map(|n| n as u8).collect();
    server.send(SEND, 7, &bytes);
    let mut read = vec![0; bytes.len()];
    subscriber.read_exact(&mut read).expect("bytes");
    assert!(read == bytes);
    assert_eq!(server.expect(WRITTEN).0, 7);
    subscriber.write_all(b"HTTP/1.1 200 OK").expect("is sent");
    assert_eq!(server.expect(RECEIVED), (7, b"HTTP/1.1 200 OK".to_vec()));
    drop(subscriber);
    assert_eq!(server.expect_json(HUNG_UP)["error"], Value::Null);
}

#[test]
fn says_where_nobody_listens_and_hangs_up_when_it_is_parked() {
    let program = Program::start("refused");
    let mut server = program.server();
    server.expect(HELLO_BACK);
    let (_reserved, port) = reserve_port();
    server.send(CONNECT, 1, json!({ "port": port }).to_string().as_bytes());
    assert_eq!(server.expect_json(HUNG_UP)["error"], "ECONNREFUSED");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    server.send(CONNECT, 2, json!({ "port": port }).to_string().as_bytes());
    server.expect(WRITTEN);
    let (mut subscriber, _) = listener.accept().expect("a connection");
    subscriber.set_read_timeout(Some(LIMIT)).expect("a limit");
    server.send(PARK, 0, b"");
    server.expect(PARKED);
    assert_eq!(subscriber.read(&mut [0]).expect("its end"), 0);
}

/// The ability kills whatever the program may signal: here that would be the tests' own machine.
#[test]
fn offers_no_reset_where_it_is_not_alone() {
    let program = Program::start("features");
    let hello = program.server().expect_json(HELLO_BACK);
    assert_eq!(hello["features"], json!(["list", "keep", "connect"]));
}
