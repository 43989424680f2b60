/**
 * The console's files, out of memory: a path is looked up in a table, and none of it becomes a path on a disk. Any
 * other path below the prefix is one of the console's own views, which its page reads itself.
 */
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { PAGE_HEADERS, textPage } from "./headers.ts";
import type { ConsoleAsset, ConsoleAssets } from "./options.ts";

/** Where files with a digest in their names are; one that is not there belongs to another build. */
const ASSETS = "assets/";
const INDEX = "index.html";

/** `path` is below the prefix. */
export function assetReply(assets: ConsoleAssets, path: string, { method, headers }: WireHead): Reply {
  if (method !== "GET" && method !== "HEAD")
    return textPage(405, "The console's files can only be read.", { Allow: "GET, HEAD" });
  const asset = assets.files.get(path) ?? (path.startsWith(ASSETS) ? undefined : assets.files.get(INDEX));
  if (asset === undefined) return textPage(404, "This file is of another build of the console. Load the page again.");
  const own = {
    ...PAGE_HEADERS,
    "Content-Type": asset.contentType,
    "Cache-Control": asset.isImmutable ? "public, max-age=31536000, immutable" : "no-store",
    ETag: asset.etag,
    Vary: "Accept-Encoding",
  };
  if (headers["if-none-match"] === asset.etag) return { status: 304, headers: own, body: Buffer.alloc(0) };
  const { encoding, bytes } = encodedFor(asset, String(headers["accept-encoding"] ?? ""));
  const reply = encoding === null ? own : { ...own, "Content-Encoding": encoding };
  // Length and body of HEAD are the framework's matter.
  return { status: 200, headers: reply, body: bytes };
}

/** The smallest form that a client takes. A weight of 0, which refuses one, is all that is read of weights. */
function encodedFor(
  { encoded, bytes }: ConsoleAsset,
  accepted: string,
): { readonly encoding: "br" | "gzip" | null; readonly bytes: Buffer } {
  const taken = new Set(
    accepted
      .toLowerCase()
      .split(",", 20)
      .map((each) => each.trim().split(";"))
      .filter(([, weight = ""]) => !/^\s*q=0(?:\.0*)?\s*$/.test(weight))
      .map(([name]) => name?.trim()),
  );
  for (const encoding of ["br", "gzip"] as const) {
    const smaller = encoded[encoding];
    if (smaller !== null && taken.has(encoding)) return { encoding, bytes: smaller };
  }
  return { encoding: null, bytes };
}
