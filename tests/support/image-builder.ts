/** Builds container images from a Dockerfile, as a user does: with buildah, out of Debian's package. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { Files } from "./functions.ts";

const run = promisify(execFile);
/**
 * buildah starts itself anew without the variables that it has, so its libraries must lie where all are looked for.
 * What it mounts goes with the namespace.
 */
const ENTER = 'mount -t overlay thaw -o "lowerdir=$0:$1" "$1" && shift && exec "$0/buildah" "$@"';
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";
const HOME = join(REPOSITORY, ".thaw/test-stores/buildah");

/** Null, or why there is none. */
export const noBuilder: string | null = existsSync(join(HOME, "buildah"))
  ? null
  : "buildah is not there: it comes from Debian (tools/build-test-stores.sh)";

/** Builds the files, with their Dockerfile, into `image`: `oci:PATH:TAG`. */
export async function buildDockerfile(files: Files, image: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "thaw-build-"));
  const place = (name: string, content: string | Buffer): string => {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o755 });
    return path;
  };
  try {
    for (const [name, content] of Object.entries(files)) place(join("context", name), content);
    const registries = place("registries.conf", "");
    const policy = place("policy.json", JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
    const storage = ["--root", join(dir, "storage"), "--runroot", join(dir, "run"), "--storage-driver", "vfs"];
    const options = ["--isolation", "chroot", "--signature-policy", policy, "--tag", image];
    const enter = ["--mount", "--propagation", "private", "sh", "-c", ENTER, HOME, LIBRARIES];
    await run("unshare", [...enter, ...storage, "bud", ...options, join(dir, "context")], {
      env: { ...process.env, CONTAINERS_REGISTRIES_CONF: registries, TMPDIR: dir },
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
