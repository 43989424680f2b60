/**
 * The start of Node.js: command line and variables of AWS's own runtimes, and our files that are loaded before all code
 * of the function (runtimes/nodejs).
 */
import type { RuntimeRecipe } from "../ports/runtime-catalog.ts";

/**
 * Inherited by worker threads and forked processes as well. runtimes/nodejs/module-paths.cts takes them out of
 * NODE_OPTIONS.
 */
const PRELOADED = ["unique", "watch-file", "module-paths"].map((name) => `--require=/var/runtime/${name}.cjs`);

/**
 * Features that AWS switches off, unless NODE_OPTIONS has the opposite ("Experimental Node.js features" in Lambda's
 * guide). The guide lists them for Node.js 22; those who moved to AWS's Node.js 24 report the first one there too
 * (nestjs/nest issue 17707), and AWS's client for 24 is tested with both.
 */
const SWITCHED_OFF = ["experimental-require-module", "experimental-detect-module"];

/** Signs for the service door. runtimes/nodejs/module-paths.cts takes it out of the environment. */
const AUTHORITY = "/etc/thaw-ca.pem";

/** AWS leaves out its own limits where NODE_OPTIONS sets one of these, with either spelling. */
const MEMORY_OPTIONS = /--max[-_](semi|old)[-_]space[-_]size/;

export function nodeStart(major: number): Required<Pick<RuntimeRecipe, "argv" | "envOver" | "writesRecords">> {
  const nodePath = [
    `/opt/nodejs/node${major}/node_modules`,
    "/opt/nodejs/node_modules",
    "/var/runtime/node_modules",
    "/var/runtime",
    "/var/task",
  ].join(":");
  return {
    argv: ({ memorySizeMib, environment: { NODE_OPTIONS: own = "" } }) => [
      "/var/lang/bin/node",
      "--expose-gc",
      "--max-http-header-size=81920",
      ...(MEMORY_OPTIONS.test(own) ? [] : [`--max-old-space-size=${Math.floor(memorySizeMib * 0.9)}`]),
      ...SWITCHED_OFF.filter((name) => !own.includes(`--${name}`)).map((name) => `--no-${name}`),
      ...PRELOADED,
      "/var/runtime/index.mjs",
    ],
    writesRecords: true,
    envOver: ({ NODE_OPTIONS: own, NODE_PATH: ownPath, NODE_EXTRA_CA_CERTS: ownAuthorities }) => ({
      // Node.js loads what NODE_OPTIONS names before what the command line names.
      NODE_OPTIONS: [...PRELOADED, ...(own === undefined ? [] : [own])].join(" "),
      // The function's own stay its own.
      ...(ownAuthorities === undefined ? { NODE_EXTRA_CA_CERTS: AUTHORITY } : {}),
      // AWS's start tests for an empty one.
      ...(ownPath === undefined || ownPath === "" ? { NODE_PATH: nodePath } : {}),
    }),
  };
}
