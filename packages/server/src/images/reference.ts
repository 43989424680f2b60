/**
 * Names of images, as `ImageUri` has them:
 *
 *   HOST[:PORT]/REPOSITORY[:TAG][@sha256:DIGEST]     in a registry
 *   oci:PATH[:TAG]                                   a folder in the OCI image layout
 *   oci-archive:PATH[:TAG], docker-archive:PATH[:TAG]   a tar archive of one, or of `docker save`
 *
 * The last two are the transports of skopeo and podman (containers-transports(5)). PATH is below the operator's
 * directory of images.
 */
import { invalidImage } from "../model/image-problems.ts";

export interface RegistryReference {
  readonly kind: "registry";
  readonly uri: string;
  /** `HOST` or `HOST:PORT`. */
  readonly host: string;
  readonly repository: string;
  /** A tag, or `sha256:DIGEST`. */
  readonly reference: string;
}

export interface LocalReference {
  readonly kind: "layout" | "archive";
  readonly uri: string;
  readonly transport: string;
  readonly path: string;
  /** Null: the only image there is. */
  readonly tag: string | null;
}

export type ImageReference = RegistryReference | LocalReference;

const TRANSPORTS: Readonly<Record<string, LocalReference["kind"]>> = {
  oci: "layout",
  "oci-archive": "archive",
  "docker-archive": "archive",
};
const URI_LENGTH_MAX = 1024;
/** Grammar of the distribution specification and of Docker's references, without its nested repetitions. */
const HOST = /^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$/i;
const COMPONENT = /^[a-z0-9][a-z0-9._-]*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Throws an ApiError where the text is no name of an image. */
export function parseReference(uri: string): ImageReference {
  if (uri.length > URI_LENGTH_MAX) throw invalidImage(uri.slice(0, 64), "its name is too long");
  const colon = uri.indexOf(":");
  const transport = uri.slice(0, Math.max(colon, 0));
  const kind = Object.hasOwn(TRANSPORTS, transport) ? TRANSPORTS[transport] : undefined;
  return kind === undefined ? parseRegistry(uri) : parseLocal(uri, kind, transport, uri.slice(colon + 1));
}

function parseLocal(uri: string, kind: LocalReference["kind"], transport: string, rest: string): LocalReference {
  const at = rest.lastIndexOf(":");
  const path = at === -1 ? rest : rest.slice(0, at);
  const tag = at === -1 ? null : rest.slice(at + 1);
  if (path === "" || path.includes("\0"))
    throw invalidImage(uri, `expected ${transport}:PATH or ${transport}:PATH:TAG`);
  if (tag !== null && (tag === "" || /[\s\0]/.test(tag))) throw invalidImage(uri, "its tag is none");
  return { kind, uri, transport, path, tag };
}

function parseRegistry(uri: string): RegistryReference {
  const slash = uri.indexOf("/");
  const host = uri.slice(0, Math.max(slash, 0));
  if (!HOST.test(host)) throw invalidImage(uri, "expected HOST/REPOSITORY:TAG, or oci:PATH for a folder");
  const [name = "", digest, ...more] = uri.slice(slash + 1).split("@");
  const colon = name.indexOf(":");
  const repository = colon === -1 ? name : name.slice(0, colon);
  const tag = colon === -1 ? null : name.slice(colon + 1);
  if (repository.length > 255 || !repository.split("/").every((each) => COMPONENT.test(each)))
    throw invalidImage(uri, "the name of its repository has characters that none has");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest)))
    throw invalidImage(uri, "its digest is not sha256: and 64 hexadecimal digits");
  if (tag !== null && !TAG.test(tag)) throw invalidImage(uri, "its tag is none");
  // AWS takes an image by its tag or its digest; a name without either is not valid there.
  if (tag === null && digest === undefined) throw invalidImage(uri, "it has neither a tag nor a digest");
  return { kind: "registry", uri, host, repository, reference: digest ?? (tag as string) };
}
