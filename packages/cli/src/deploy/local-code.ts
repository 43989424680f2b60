/** Packages that a template names in a bucket, and that the tool which wrote the template has left beside it. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { PlannedCode } from "@thaw/template/planned";

const CDK_TEMPLATE = ".template.json";
const OSLS_FOLDER = ".serverless";

/** Gives the folder or zip for an object: an asset of CDK, or a zip of osls. Else the code as it is. */
export function findLocally(code: PlannedCode, template: string): PlannedCode {
  if (code.kind !== "object") return code;
  const folder = dirname(template);
  const asset = readAssets(template).get(basename(code.key, ".zip"));
  if (asset !== undefined) return { kind: "path", path: asset };
  const zip = basename(code.key);
  return basename(folder) === OSLS_FOLDER && existsSync(join(folder, zip)) ? { kind: "path", path: zip } : code;
}

/** Reads STACK.assets.json: paths of assets by their digest. Empty where there is none, or it has another form. */
function readAssets(template: string): ReadonlyMap<string, string> {
  if (!template.endsWith(CDK_TEMPLATE)) return new Map();
  try {
    const text = readFileSync(`${template.slice(0, -CDK_TEMPLATE.length)}.assets.json`, "utf8");
    const { files } = JSON.parse(text) as { files?: Record<string, { source?: { path?: unknown } }> };
    return new Map(
      Object.entries(files ?? {}).flatMap(([digest, file]) =>
        typeof file.source?.path === "string" ? [[digest, file.source.path] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
}
