//! A custom runtime that draws from every source of chance once in Init, and again in each request.
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn generation() -> u64 {
    let page = fs::read("/run/thaw/generation").expect("the page of the generation");
    u64::from_le_bytes(page[8..16].try_into().expect("8 bytes"))
}

struct Sources {
    own: StdRng,
    renewed: StdRng,
    seen: u64,
    hasher: RandomState,
}

impl Sources {
    fn draw(&mut self) -> Vec<(&'static str, String)> {
        // The cure for one's own generators: new ones when the generation is another.
        if generation() != self.seen {
            self.seen = generation();
            self.renewed = StdRng::from_os_rng();
            let _ = rand::rng().reseed();
        }
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).expect("getrandom");
        vec![
            ("getrandom", format!("{bytes:?}")),
            ("uuid::Uuid::new_v4", uuid::Uuid::new_v4().to_string()),
            ("rand::rng, reseeded at a new generation", rand::rng().random::<u64>().to_string()),
            ("StdRng, made again at a new generation", self.renewed.random::<u64>().to_string()),
            ("yours: StdRng", self.own.random::<u64>().to_string()),
            ("yours: RandomState of a HashMap", self.hasher.build_hasher().finish().to_string()),
        ]
    }
}

fn call(stream: &mut TcpStream, method: &str, path: &str, body: &str) -> (String, String) {
    write!(stream, "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: runtime\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("write");
    let mut text = Vec::new();
    let mut byte = [0u8; 1];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("read");
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).expect("ASCII").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.trim().parse().expect("a number"));
    let mut body = vec![0u8; length];
    stream.read_exact(&mut body).expect("read");
    (head, String::from_utf8(body).expect("UTF-8"))
}

fn main() {
    let mut stream = TcpStream::connect(std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the API's address")).expect("connect");
    let (own, renewed) = (StdRng::from_os_rng(), StdRng::from_os_rng());
    let mut sources = Sources { own, renewed, seen: generation(), hasher: RandomState::new() };
    sources.draw();
    loop {
        let (head, event) = call(&mut stream, "GET", "invocation/next", "");
        let id = head.lines().find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: ")).expect("an id").trim().to_string();
        let values: Vec<String> = sources.draw().iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        let held = event.split("\"holdMs\":").nth(1);
        let hold = held.and_then(|rest| rest.trim_end_matches('}').parse().ok()).unwrap_or(0);
        std::thread::sleep(Duration::from_millis(hold));
        let answer = format!("{{\"clone\":\"{:x}\",\"values\":{{{}}}}}", generation(), values.join(","));
        call(&mut stream, "POST", &format!("invocation/{id}/response"), &answer);
    }
}
