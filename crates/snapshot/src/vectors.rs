//! Test vectors: files made of fixed inputs, which both languages read. `THAW_WRITE_VECTORS=1 cargo test -p
//! thaw-snapshot vectors` writes them anew.

use std::fs;
use std::path::PathBuf;

use serde_json::{json, Value};

use crate::chunk::{self, ChunkSecret};
use crate::hex;
use crate::manifest::{Clocks, DiskEntry, DiskKind, Extent, Header, Identity, Image, Manifest, Run, Space};
use crate::working_set::{self, TouchedRun, WorkingSet};

const DATA_KEY: [u8; 32] = *b"vector data key, 32 bytes of it.";
const CHUNK_SECRET: [u8; 32] = *b"vector chunk secret of 32 bytes.";
const SNAPSHOT: &str = "snap-00000000000000aa";

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/vectors")
}

/// Three pages that differ.
fn pages() -> Vec<u8> {
    (0..3 * 4096u32).map(|at| (at / 4096 + 1).wrapping_mul(at + 7) as u8).collect()
}

fn bytes() -> Vec<u8> {
    b"an image of CRIU's, and a file of the function's".to_vec()
}

fn manifest() -> Manifest {
    let secret = ChunkSecret::new(&CHUNK_SECRET);
    let run = |address, pages, place, is_lazy| Run { address, pages, place, is_lazy };
    Manifest {
        header: Header {
            snapshot: SNAPSHOT.into(),
            fingerprint: "vector".into(),
            engine: "criu".into(),
            uid: 100_001,
            created_at_ms: 1_700_000_000_000,
            generation: 1,
            early_chunks: 2,
            memory_pages: 6,
            stored_pages: 3,
            image_bytes: 21,
            disk_bytes: 4123,
        },
        supervisor_pid: 1001,
        clocks: Clocks { monotonic_ns: 1_000_000_007, boottime_ns: -5 },
        images: vec![Image {
            name: "inventory.img".into(),
            size: 21,
            extents: vec![Extent { at: 0, chunk: 1, offset: 0, length: 21 }],
        }],
        disk: vec![
            DiskEntry {
                path: hex::encode("größe".as_bytes()),
                kind: DiskKind::File,
                mode: 0o640,
                uid: 100_001,
                gid: 100_001,
                mtime_ns: 1_700_000_000_123_456_789,
                size: 4123,
                target: String::new(),
                extents: vec![Extent { at: 4096, chunk: 1, offset: 21, length: 27 }],
                attributes: Vec::new(),
                identity: Some(Identity {
                    inode: 13,
                    accessed_ns: 1_700_000_001_000_000_000,
                    changed_ns: 1_700_000_002_000_000_001,
                    born_ns: 1_699_999_999_999_999_999,
                }),
            },
            DiskEntry {
                path: hex::encode(b"link"),
                kind: DiskKind::Symlink,
                mode: 0o777,
                uid: 100_001,
                gid: 100_001,
                mtime_ns: -1,
                size: 0,
                target: hex::encode(b"/tmp"),
                extents: vec![],
                attributes: Vec::new(),
                identity: None,
            },
        ],
        spaces: vec![
            Space {
                pid: 1001,
                pages_id: 1,
                runs: vec![
                    run(0x5555_0000_0000, 2, Some((0, 0)), true),
                    run(0x5555_0000_2000, 3, None, true),
                    run(0x7fff_ffff_e000, 1, Some((0, 2)), false),
                ],
            },
            Space { pid: 0, pages_id: 2, runs: vec![] },
        ],
        chunks: vec![chunk::seal(&secret, &pages()).0, chunk::seal(&secret, &bytes()).0],
    }
}

fn set() -> WorkingSet {
    WorkingSet {
        header: working_set::Header { snapshot: SNAPSHOT.into(), recordings: 2 },
        runs: vec![
            TouchedRun { pid: 1001, address: 0x5555_0000_1000, pages: 1 },
            TouchedRun { pid: 1001, address: 0x5555_0000_0000, pages: 1 },
        ],
    }
}

fn describe(manifest: &Manifest) -> Value {
    let run = |run: &Run| {
        let place = run.place.map(|(chunk, slot)| json!({ "chunk": chunk, "slot": slot }));
        json!({ "address": format!("{:#x}", run.address), "pages": run.pages, "place": place, "isLazy": run.is_lazy })
    };
    let spaces: Vec<Value> = manifest
        .spaces
        .iter()
        .map(|space| {
            let runs = space.runs.iter().map(run).collect::<Vec<_>>();
            json!({ "pid": space.pid, "pagesId": space.pages_id, "runs": runs })
        })
        .collect();
    let chunks: Vec<Value> = manifest
        .chunks
        .iter()
        .map(|chunk| json!({ "name": hex::encode(&chunk.name), "key": hex::encode(&chunk.key), "sizeBytes": chunk.size_bytes }))
        .collect();
    json!({
        "header": manifest.header,
        "supervisorPid": manifest.supervisor_pid,
        "clocks": manifest.clocks,
        "images": manifest.images,
        "disk": manifest.disk,
        "spaces": spaces,
        "chunks": chunks,
    })
}

/// Name and content of each file.
fn files() -> Vec<(String, Vec<u8>)> {
    let secret = ChunkSecret::new(&CHUNK_SECRET);
    let touched: Vec<Value> = set()
        .runs
        .iter()
        .map(|run| json!({ "pid": run.pid, "address": format!("{:#x}", run.address), "pages": run.pages }))
        .collect();
    let inputs = json!({
        "dataKey": hex::encode(&DATA_KEY),
        "chunkSecret": hex::encode(&CHUNK_SECRET),
        "manifest": describe(&manifest()),
        "workingSet": { "header": set().header, "runs": touched },
        "chunkContents": [hex::encode(&pages()), hex::encode(&bytes())],
    });
    let mut text = serde_json::to_vec_pretty(&inputs).expect("plain data");
    text.push(b'\n');
    vec![
        ("vectors.json".into(), text),
        ("manifest".into(), manifest().seal_with(&DATA_KEY, *b"nonce-of-man").expect("small")),
        ("working-set".into(), set().seal_with(&DATA_KEY, *b"nonce-of-set").expect("small")),
        ("chunk-0".into(), chunk::seal(&secret, &pages()).1),
        ("chunk-1".into(), chunk::seal(&secret, &bytes()).1),
    ]
}

#[test]
fn the_stored_vectors_are_what_these_inputs_give() {
    for (name, content) in files() {
        let path = directory().join(&name);
        if std::env::var_os("THAW_WRITE_VECTORS").is_some() {
            fs::create_dir_all(directory()).expect("a directory can be made");
            fs::write(&path, &content).expect("is written");
        }
        assert!(fs::read(&path).expect("is there") == content, "{name} is another one: the format has changed");
    }
}

#[test]
fn the_stored_vectors_can_be_read() {
    let read = |name: &str| fs::read(directory().join(name)).expect("is there");
    let opened = Manifest::open(&DATA_KEY, &read("manifest")).expect("opens");
    assert_eq!(opened, manifest());
    assert_eq!(WorkingSet::open(&DATA_KEY, &read("working-set")).expect("opens"), set());
    for (number, content) in [pages(), bytes()].into_iter().enumerate() {
        let file = read(&format!("chunk-{number}"));
        assert_eq!(chunk::name_of(&file), opened.chunks[number].name);
        assert_eq!(chunk::open(&opened.chunks[number], file).expect("opens"), content);
    }
}
