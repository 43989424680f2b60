/** The web console's files, and its settings as the listener takes them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, VERSION } from "@thaw/installation";
import type { ConsoleAsset, ConsoleAssets, ConsoleOptions } from "../http/fronts/console/options.ts";
import type { ConsoleLogins } from "../ports/console-logins.ts";
import { log } from "./log.ts";
import type { ServeOptions } from "./options/serve-options.ts";

const DIST = join(ROOT, "packages/console/dist");

/** What the build lists (`packages/console/build.ts`). */
interface AssetList {
  readonly build: string;
  readonly files: ReadonlyArray<{ readonly path: string; readonly contentType: string; readonly sha256: string }>;
}

export function consoleOptions(
  { console: mode, consoleHosts }: Pick<ServeOptions, "console" | "consoleHosts">,
  logins: ConsoleLogins,
): ConsoleOptions {
  return {
    mode,
    logins,
    assets: mode === "off" ? null : readAssets(DIST),
    buildCommand: "npm run setup (as root), then start the server again",
    version: VERSION,
    hostNames: consoleHosts,
    onAct: ({ session: { tokenId, caller }, operation, path }) =>
      log("console action", { operation, path, tokenId, accessKeyId: caller.accessKeyId, accountId: caller.accountId }),
  };
}

/** Null where the console is not built, or can't be read: no part of the server depends on it. */
function readAssets(directory: string): ConsoleAssets | null {
  if (!existsSync(join(directory, "assets.json"))) return null;
  try {
    const { build, files } = JSON.parse(readFileSync(join(directory, "assets.json"), "utf8")) as AssetList;
    return { build, files: new Map(files.map((file) => [file.path, readAsset(directory, file)])) };
  } catch (error) {
    log("the console can't be read", { directory, problem: (error as Error).message });
    return null;
  }
}

function readAsset(directory: string, { path, contentType, sha256 }: AssetList["files"][number]): ConsoleAsset {
  const read = (suffix: string): Buffer => readFileSync(join(directory, `${path}${suffix}`));
  const ifThere = (suffix: string): Buffer | null =>
    existsSync(join(directory, `${path}${suffix}`)) ? read(suffix) : null;
  return {
    contentType,
    etag: `"${sha256.slice(0, 32)}"`,
    isImmutable: path.startsWith("assets/"),
    bytes: read(""),
    encoded: { br: ifThere(".br"), gzip: ifThere(".gz") },
  };
}
