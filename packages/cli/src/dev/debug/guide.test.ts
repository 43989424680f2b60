/** The launch configurations of the guide: what VS Code reads, with the members that its debuggers describe. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Language, languageOf } from "./languages.ts";

const GUIDE = join(import.meta.dirname, "../../../../../docs/guides/dev.md");
const MEMBERS = {
  node: ["address", "port", "localRoot", "remoteRoot", "timeout", "restart"],
  debugpy: ["connect", "pathMappings"],
  java: ["hostName", "port"],
} as const;

interface Configuration extends Readonly<Record<string, unknown>> {
  readonly type: keyof typeof MEMBERS;
  readonly port?: number;
  readonly connect?: Readonly<Record<string, unknown>>;
  readonly pathMappings?: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

const guide = readFileSync(GUIDE, "utf8");
const blocks = [...guide.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = ""]) => JSON.parse(text) as unknown);
const { version, configurations } = blocks[0] as {
  readonly version: string;
  readonly configurations: readonly Configuration[];
};

function portOf(runtime: string): number {
  const language: Language | null = languageOf(runtime);
  if (language === null) throw new Error(`no debugger for ${runtime}`);
  return language.port;
}

it("has one block of JSON, with a configuration of each debugger that attaches", () => {
  expect(blocks).toHaveLength(1);
  expect(version).toBe("0.2.0");
  expect(configurations.map(({ type }) => type)).toEqual(Object.keys(MEMBERS));
  for (const { type, request, name, ...members } of configurations) {
    expect([request, typeof name], type).toEqual(["attach", "string"]);
    expect(Object.keys(members).toSorted(), type).toEqual([...MEMBERS[type]].toSorted());
  }
});

it("leads to the ports of this host that thaw dev opens, and to the folder of the function's code", () => {
  const [node, python, java] = configurations;
  expect(node).toMatchObject({ address: "127.0.0.1", port: portOf("nodejs24.x"), remoteRoot: "/var/task" });
  expect(python?.connect).toEqual({ host: "127.0.0.1", port: portOf("python3.13") });
  expect(python?.pathMappings).toEqual([{ localRoot: node?.["localRoot"], remoteRoot: "/var/task" }]);
  expect(java).toMatchObject({ hostName: "127.0.0.1", port: portOf("java21") });
});

it("has for IntelliJ the port of Java", () => {
  const option = (name: string): string | undefined => new RegExp(`name="${name}" value="([^"]*)"`).exec(guide)?.[1];
  expect([option("HOST"), option("PORT"), option("SERVER_MODE"), option("USE_SOCKET_TRANSPORT")]).toEqual([
    "127.0.0.1",
    String(portOf("java21")),
    "false",
    "true",
  ]);
});
