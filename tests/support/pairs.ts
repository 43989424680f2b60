/**
 * For each rule of `thaw scan` and each language a function that breaks it and its fixed twin, which can be deployed as
 * they are. Most are the scanner's fixtures; where those need a library or a service that no test has, another pair is
 * in tests/pairs.
 *
 * `found`: what `thaw check` says of the broken one (findings, notes left out); of the fixed one it says nothing. What
 * no check can see of these hazards is in UNSEEN, with the reason.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { compileFixtures, FIXTURES } from "../scan/compile.ts";
import type { Files } from "./functions.ts";
import { jars, jarFiles, nodePackages, type Package, pythonPackages } from "./test-functions.ts";

export const LANGUAGES = ["java", "javascript", "python"] as const;
export type Language = (typeof LANGUAGES)[number];
export type State = "broken" | "fixed";

export interface Pair {
  readonly language: Language;
  readonly rule: string;
  readonly found: readonly string[];
  /** What is good to know of the fixed one. */
  readonly fixedNotes?: readonly string[];
  /** Where it is, if not where the others are. */
  readonly folder?: string;
  readonly variables?: (outside: string) => Readonly<Record<string, string>>;
  /** Of the tests' libraries, unmodified. */
  readonly packages?: () => Package;
}

/** No function has the outside host's address where it should find it out by its name. */
const named = (): Record<string, string> => ({ BACKEND: "backend.test" });
const outsideAddress = (outside: string): Record<string, string> => ({ OUTSIDE: outside });
const endpoints = (outside: string): Record<string, string> => {
  const url = `http://${outside}:8080`;
  return {
    SEALED: "c2VhbGVk",
    AWS_ENDPOINT_URL_KMS: url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    AWS_ENDPOINT_URL_SSM: url,
  };
};
const AWS_JARS = /^(?!kotlin|annotations-13|Amazon|Hikari|h2-|netty|s3-|org-crac)/;

const boto3 = (): Package => pythonPackages(/^(boto3|botocore|s3transfer|jmespath|dateutil|six\.py|urllib3)$/);
const cryptography = (): Package => pythonPackages(/^(cryptography|_?cffi|pycparser)/);

export const PAIRS: readonly Pair[] = [
  { language: "java", rule: "random-value", found: ["kept-value"] },
  { language: "java", rule: "random-generator", found: ["repeated-draw"] },
  { language: "java", rule: "seed", found: ["repeated-draw"] },
  { language: "java", rule: "identifier", found: ["shared-value"] },
  { language: "java", rule: "generated-key", found: ["kept-value"] },
  { language: "java", rule: "timestamp", found: ["old-time"] },
  { language: "java", rule: "host-identity", found: ["kept-value"] },
  {
    language: "java",
    rule: "secret",
    found: ["open-connection", "secret-in-memory"],
    variables: endpoints,
    packages: () => jarFiles(AWS_JARS),
  },
  // What they answer without their connection differs, too.
  { language: "java", rule: "connection", found: ["kept-value", "open-connection"], variables: outsideAddress },
  { language: "java", rule: "resolved-address", found: ["old-address"], variables: named },
  { language: "java", rule: "temp-file", found: ["kept-value"] },

  { language: "javascript", rule: "random-value", found: ["shared-value"] },
  {
    language: "javascript",
    rule: "random-generator",
    found: ["repeated-draw"],
    packages: () => nodePackages("seedrandom"),
  },
  { language: "javascript", rule: "seed", found: ["repeated-draw"], packages: () => nodePackages("pure-rand") },
  { language: "javascript", rule: "identifier", found: ["shared-value"] },
  { language: "javascript", rule: "generated-key", found: ["shared-value"] },
  { language: "javascript", rule: "timestamp", found: ["old-time"] },
  { language: "javascript", rule: "host-identity", found: ["kept-value"] },
  // The client keeps its connection: both are true.
  {
    language: "javascript",
    rule: "secret",
    found: ["open-connection", "secret-in-memory"],
    variables: endpoints,
    packages: () => nodePackages("@aws-sdk/client-kms"),
  },
  { language: "javascript", rule: "connection", found: ["kept-value", "open-connection"], variables: outsideAddress },
  { language: "javascript", rule: "resolved-address", found: ["old-address"], variables: named },
  { language: "javascript", rule: "temp-file", found: ["kept-value"] },

  { language: "python", rule: "random-value", found: ["shared-value"] },
  { language: "python", rule: "random-generator", found: ["repeated-draw"] },
  // Thaw seeds the module's generator again after a restore, unless it is told not to.
  { language: "python", rule: "seed", found: ["repeated-draw"], variables: () => ({ THAW_RESEED_SKIP: "random" }) },
  { language: "python", rule: "identifier", found: ["shared-value"] },
  { language: "python", rule: "generated-key", found: ["shared-value"], packages: cryptography },
  { language: "python", rule: "timestamp", found: ["old-time"] },
  { language: "python", rule: "host-identity", found: ["kept-value"] },
  {
    language: "python",
    rule: "secret",
    found: ["open-connection", "secret-in-memory"],
    variables: endpoints,
    packages: boto3,
    // A client of boto3 fetches the function's own credentials when it is made, and renews them when they expire.
    fixedNotes: ["session-key"],
  },
  { language: "python", rule: "connection", found: ["kept-value", "open-connection"], variables: outsideAddress },
  { language: "python", rule: "resolved-address", found: ["old-address"], variables: named },
  { language: "python", rule: "temp-file", found: ["kept-value"] },
];

/**
 * Broken functions of which a check must be silent, because nothing of the hazard can come out of clones. The scanner
 * finds them all.
 */
export const UNSEEN: ReadonlyArray<Pair & { readonly reason: string }> = [
  {
    language: "python",
    rule: "generated-key",
    found: [],
    folder: "tests/scan/fixtures/python/generated-key",
    packages: cryptography,
    reason: "Fernet draws a new start value for each token: what the shared key makes is different in each clone.",
  },
  {
    language: "python",
    rule: "seed",
    found: [],
    reason:
      "Thaw seeds this generator again after each restore, so clones do not repeat: the hazard is gone on this platform.",
  },
  {
    language: "javascript",
    rule: "host-identity",
    found: [],
    folder: "tests/pairs/unseen/host-name",
    reason: "The host name is `sandbox` in every environment of Thaw, with or without a snapshot.",
  },
  {
    language: "javascript",
    rule: "identifier",
    found: [],
    folder: "tests/pairs/unseen/sent-outside",
    variables: outsideAddress,
    reason: "The identifier goes to a server outside only, encrypted.",
  },
  {
    language: "python",
    rule: "secret",
    found: [],
    folder: "tests/pairs/unseen/password",
    variables: endpoints,
    packages: boto3,
    reason: "A password looks like nothing, and the function does not show it.",
  },
  {
    language: "python",
    rule: "random-generator",
    found: [],
    folder: "tests/pairs/unseen/rare-draw",
    reason: "The generator is kept, but nothing is drawn for this event.",
  },
];

const RUNTIMES: Readonly<Record<Language, Partial<CreateFunctionCommandInput>>> = {
  java: { Runtime: "java17", Handler: "fixture.Handler::handleRequest", MemorySize: 1769, Timeout: 60 },
  javascript: { Runtime: "nodejs24.x", Timeout: 60 },
  python: { Runtime: "python3.13", Handler: "app.handler", Timeout: 60 },
};

/** Of the broken function or its twin. Java's: the sources. */
export function folderOf({ language, rule, folder }: Pair, state: State): string {
  if (folder !== undefined) return join(REPOSITORY, folder, state);
  const own = join(REPOSITORY, "tests/pairs", language, rule, state);
  return existsSync(own) ? own : join(FIXTURES, language, rule, state);
}

/** Java handlers of these pairs take a text, the others an object with one. */
export function eventOf({ language }: Pair): unknown {
  return language === "java" ? "hello" : { text: "hello" };
}

/** `outside`: the address of the host that the functions call. */
export function optionsOf({ language, variables }: Pair, outside: string): Partial<CreateFunctionCommandInput> {
  return { ...RUNTIMES[language], Environment: { Variables: { ...variables?.(outside) } } };
}

/** Packages of all pairs; Java's are compiled by one JVM. */
export class PairPackages {
  readonly #scratch = mkdtempSync(join(tmpdir(), "thaw-pairs-"));
  readonly #classes: ReadonlyMap<string, string>;

  constructor() {
    const folders = PAIRS.filter(({ language }) => language === "java").flatMap((pair) => [
      folderOf(pair, "broken"),
      folderOf(pair, "fixed"),
    ]);
    try {
      this.#classes = compileFixtures(this.#scratch, folders, jars(AWS_JARS));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** A folder that can be scanned or packed. */
  built(pair: Pair, state: State): string {
    const folder = folderOf(pair, state);
    return this.#classes.get(folder) ?? folder;
  }

  filesOf(pair: Pair, state: State): Files {
    const hooks = pair.language === "java" ? jarFiles(/^org-crac/) : {};
    return { ...hooks, ...pair.packages?.(), ...filesUnder(this.built(pair, state)) };
  }

  remove(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

export function filesUnder(base: string): Files {
  const files = readdirSync(base, { recursive: true, encoding: "utf8" }).map((name) => join(base, name));
  return Object.fromEntries(
    files.filter((file) => statSync(file).isFile()).map((file) => [relative(base, file), readFileSync(file)]),
  );
}
