/**
 * `node --import` of this file: the server that starts then has fault points, because its composition root gets wrapped
 * adapters in the place of the real ones. Nothing in packages/ knows of it (docs/design/0014-fault-points.md).
 */
import { registerHooks } from "node:module";

const ADAPTERS = [
  "store/sqlite-store",
  "sandboxd/client",
  "supervisor/connect-supervisor",
  "keys/keyring",
  "snapshot-stores/directory-store",
];
const WRAPPED = new Map(
  ADAPTERS.map((path) => [`../${path}.ts`, new URL(`./wrapped/${path.split("/")[1] ?? ""}.ts`, import.meta.url).href]),
);

registerHooks({
  resolve(specifier, context, next) {
    const wrapped = /\/packages\/server\/src\/main\/[^/]+$/.test(context.parentURL ?? "")
      ? WRAPPED.get(specifier)
      : undefined;
    return wrapped === undefined
      ? next(specifier, context)
      : { url: wrapped, format: "module-typescript", shortCircuit: true };
  },
});
