/** Settings that say where container images may lie. */
import { defaulted, optional } from "./declaration.ts";
import { UsageError } from "./usage-error.ts";
import { directory, type ValueType } from "./value-types.ts";

const HOST = /^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$/i;

/** Registries by the name that `ImageUri` has for them, from lines `HOST[:PORT]` or `HOST[:PORT]=URL`. */
const registries: ValueType<ReadonlyMap<string, URL>> = {
  form: "lines `HOST[:PORT]` or `HOST[:PORT]=URL`; in the file a list of them",
  parse(name, lines) {
    const found = new Map<string, URL>();
    for (const line of lines.split("\n").filter((each) => each !== "")) {
      const at = line.indexOf("=");
      const host = at === -1 ? line : line.slice(0, at);
      const text = at === -1 ? `https://${line}` : line.slice(at + 1);
      const url = URL.canParse(text) ? new URL(text) : null;
      if (!HOST.test(host) || url === null || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href)
        throw new UsageError(
          `${name} ${line}: expected the name of a registry (registry.example:5000), with = and http(s)://HOST[:PORT] where it is elsewhere`,
        );
      found.set(host, url);
    }
    return found;
  },
};

export const IMAGE_OPTIONS = {
  imageDir: optional({
    name: "image-dir",
    flag: "DIR",
    variable: "THAW_IMAGE_DIR",
    type: directory,
    defaultText: "none",
    unit: null,
    help: "folder of container images that an ImageUri may name as oci:, oci-archive: or docker-archive:, readable for the server's user",
  }),
  imageRegistries: defaulted({
    name: "image-registry",
    flag: "HOST[=URL]",
    isList: true,
    variable: "THAW_IMAGE_REGISTRIES",
    type: registries,
    default: "",
    defaultText: "none",
    unit: null,
    help: "a registry that an ImageUri may name, by https where no URL says otherwise; repeatable",
  }),
  registryAuthFile: optional({
    name: "registry-auth",
    flag: "FILE",
    variable: "THAW_REGISTRY_AUTH",
    type: directory,
    defaultText: "no credentials",
    unit: null,
    help: "credentials of registries in the form of Docker's config.json (auths), read at each use",
  }),
};
