/** Files that another tool has left beside the template that it wrote: assets of the CDK, zips of osls. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";

const CDK_TEMPLATE = ".template.json";
const OSLS_FOLDER = ".serverless";

export interface CdkAsset {
  /** Name in the manifest: a digest of the source. */
  readonly digest: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** Where `cdk deploy` would put it, as the template names it; empty: the manifest does not say. */
  readonly objects: ReadonlyArray<{ readonly bucket: string; readonly key: string }>;
}

interface Manifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source?: { readonly path?: unknown; readonly packaging?: unknown; readonly executable?: unknown };
        readonly destinations?: Readonly<
          Record<string, { readonly bucketName?: unknown; readonly objectKey?: unknown }>
        >;
      }
    >
  >;
  readonly dockerImages?: Readonly<Record<string, unknown>>;
}

/** The assets of a template of the CDK; null: it is none of the CDK's. Throws CommandError for those it can't pack. */
export function readCdkAssets(template: string): readonly CdkAsset[] | null {
  const manifest = template.endsWith(CDK_TEMPLATE) ? readManifest(template) : null;
  if (manifest === null) return null;
  const [image] = Object.keys(manifest.dockerImages ?? {});
  if (image !== undefined)
    throw new CommandError(
      `${template} has the container image ${image} as an asset, and thaw deploy builds none: name an image that is built, with DockerImageCode.fromEcr or Code.fromEcrImage`,
    );
  return Object.entries(manifest.files ?? {}).flatMap(([digest, { source, destinations = {} }]) => {
    if (source?.executable !== undefined)
      throw new CommandError(`${template} has the asset ${digest}, which a program makes: use 'cdk deploy' for it`);
    // The manifest names the template itself, too.
    if (typeof source?.path !== "string" || source.path === basename(template)) return [];
    const objects = Object.values(destinations).map(({ bucketName, objectKey }) => ({
      bucket: String(bucketName),
      key: String(objectKey),
    }));
    return [{ digest, path: source.path, isFolder: source.packaging !== "file", objects }];
  });
}

function readManifest(template: string): Manifest | null {
  try {
    const text = readFileSync(`${template.slice(0, -CDK_TEMPLATE.length)}.assets.json`, "utf8");
    return JSON.parse(text) as Manifest;
  } catch {
    return null;
  }
}

/** The zip that osls has left for an object; null: there is none. */
export function oslsZip(template: string, key: string): string | null {
  const zip = basename(key);
  return basename(dirname(template)) === OSLS_FOLDER && existsSync(join(dirname(template), zip)) ? zip : null;
}
