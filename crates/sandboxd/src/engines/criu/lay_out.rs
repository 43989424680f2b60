//! CRIU's files as its restores read them: as CRIU wrote them, and the pages that do not come on demand.
//!
//! ```text
//! images/*.img          as CRIU wrote them
//! images/pages-N.img    a hole where pages come on demand
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use thaw_snapshot::manifest::Manifest;
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::judge::{judge, links_of, Expected};
use crate::error::{Code, Error, Result};
use crate::names::is_name;
use crate::snapshots::room::{size_of_extents, FILE_SIZE_BYTES};
use crate::snapshots::source::Source;

/// As long as a dump may make it.
const JUDGED_SIZE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The clocks at the dump. A restore does without: the keeper has made their time namespace, and CRIU may make none.
const CLOCKS: &str = "timens-0.img";
const HEAD_SIZE_BYTES: u64 = 64 * 1024;

/// Size of the memory that the files take, at most.
pub fn size_of(manifest: &Manifest, is_eager: bool) -> u64 {
    let images: u64 = manifest.images.iter().map(|image| FILE_SIZE_BYTES + size_of_extents(&image.extents)).sum();
    let pages = manifest
        .spaces
        .iter()
        .flat_map(|space| &space.runs)
        .filter(|run| run.place.is_some() && (is_eager || !run.is_lazy))
        .map(|run| u64::from(run.pages) * PAGE_SIZE_BYTES as u64);
    images + manifest.spaces.len() as u64 * FILE_SIZE_BYTES + pages.sum::<u64>()
}

pub fn lay_out(images: &Path, manifest: &Manifest, source: &mut Source, is_eager: bool) -> Result<()> {
    for image in manifest.images.iter().filter(|image| image.name != CLOCKS) {
        if !is_name(&image.name) {
            return Err(Error::new(Code::SnapshotDamaged, "an image has no plain name"));
        }
        let file = File::create(images.join(&image.name))?;
        file.set_len(image.size)?;
        source.fill(&file, &image.extents)?;
    }
    judge_images(images, manifest)?;
    lay_out_pages(images, manifest, source, is_eager)
}

/// Throws `SnapshotDamaged` where the images describe what no function can be.
fn judge_images(images: &Path, manifest: &Manifest) -> Result<()> {
    let links = links_of(&manifest.disk);
    let expected = Expected { uid: manifest.header.uid, links: &links };
    let names = manifest.images.iter().map(|image| image.name.as_str());
    let read = |name: &str| -> std::result::Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let file = File::open(images.join(name)).map_err(|error| format!("{name}: {error}"))?;
        // Of a deleted file only the head is looked at, its content follows.
        let limit = if name.starts_with("ghost-file-") { HEAD_SIZE_BYTES } else { JUDGED_SIZE_BYTES_MAX + 1 };
        file.take(limit).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if content.len() as u64 > JUDGED_SIZE_BYTES_MAX {
            return Err(format!("{name} is too long"));
        }
        Ok(content)
    };
    judge(names, &expected, read)
        .map_err(|why| Error::new(Code::SnapshotDamaged, format!("it can't be restored: {why}")))
}

/// A page to be written: where in the chunk, into the file of which pages, where in it.
struct Piece {
    slot: u32,
    pages: u32,
    pages_id: u32,
    at: u64,
}

fn lay_out_pages(images: &Path, manifest: &Manifest, source: &Source, is_eager: bool) -> Result<()> {
    let path = |pages_id: u32| images.join(format!("pages-{pages_id}.img"));
    let mut pieces: HashMap<u32, Vec<Piece>> = HashMap::new();
    for space in &manifest.spaces {
        let mut at = 0;
        for run in &space.runs {
            if let (Some((chunk, slot)), true) = (run.place, is_eager || !run.is_lazy) {
                pieces.entry(chunk).or_default().push(Piece { slot, pages: run.pages, pages_id: space.pages_id, at });
            }
            at += u64::from(run.pages) * PAGE_SIZE_BYTES as u64;
        }
        File::create(path(space.pages_id))?.set_len(at)?;
    }
    for (chunk, pieces) in pieces {
        let content = source.chunk(chunk)?;
        // One is open at a time: a function may have tens of thousands of shared mappings, each with a file of its own.
        // Within a chunk the pages of a file follow one another.
        let mut open: Option<(u32, File)> = None;
        for piece in pieces {
            if open.as_ref().is_none_or(|(pages_id, _)| *pages_id != piece.pages_id) {
                open = Some((piece.pages_id, File::options().write(true).open(path(piece.pages_id))?));
            }
            let (_, file) = open.as_ref().expect("just opened");
            let from = piece.slot as usize * PAGE_SIZE_BYTES;
            file.write_all_at(&content[from..from + piece.pages as usize * PAGE_SIZE_BYTES], piece.at)?;
        }
    }
    Ok(())
}
