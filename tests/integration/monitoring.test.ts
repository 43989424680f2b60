// alone: reads figures of the whole host
/** Figures, health, traces and the server's log of a real server, as a monitoring system sees them. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { Gate, GATE_CODE } from "../support/gate.ts";
import { TestFunctions } from "../support/functions.ts";

interface Received {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Readonly<Record<string, unknown>>> }>;
  }>;
}

const received: Received[] = [];
let collector: Server;
let server: ThawServer;
let functions: TestFunctions;
let metricsUrl: string;

beforeAll(async () => {
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.url === "/v1/traces") received.push(JSON.parse(Buffer.concat(parts).toString()) as Received);
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as { port: number };
  server = await startThaw({
    args: ["--metrics", "127.0.0.1:0"],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  });
  functions = new TestFunctions(server);
  metricsUrl = /thaw metrics on (\S+)/.exec(server.output())?.[1] ?? "";
});

afterAll(async () => {
  await server?.remove();
  collector.close();
});

/** Samples by their whole name, labels included. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(metricsUrl);
  if (response.headers.get("content-type")?.startsWith("text/plain; version=0.0.4") !== true)
    throw new Error("not Prometheus's text");
  const samples = [...(await response.text()).matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm)];
  return new Map(samples.map((match) => [match[1] ?? "", Number(match[2])]));
}

it("counts invocations, errors, cold starts and snapshots as they happen", async ({ expect }) => {
  const source = {
    "index.mjs": 'export const handler = async (event) => { if (event.bad) throw new Error("bad"); return 1; };',
  };
  const name = await functions.createSnapStart(source, { FunctionName: "figures" });
  const version = await functions.publish(name);
  await functions.invoke(name, {});
  await functions.invoke(name, {});
  await functions.invoke(name, { bad: true });
  await functions.invoke(name, {}, version);
  // An answer comes before its environment is idle.
  const samples = await functions.eventually("two idle environments", async () => {
    const now = await scrape();
    return now.get('thaw_environments{state="idle"}') === 2 && now;
  });
  const of = (sample: string): number | undefined => samples.get(sample);
  expect(of('thaw_invocations_total{function_name="figures"}')).toBe(4);
  expect(of('thaw_errors_total{function_name="figures"}')).toBe(1);
  expect(of('thaw_duration_seconds_count{function_name="figures"}')).toBe(4);
  expect(of('thaw_init_duration_seconds_count{function_name="figures"}')).toBe(1);
  expect(of('thaw_restore_duration_seconds_count{function_name="figures",outcome="success"}')).toBe(1);
  expect(of('thaw_restore_phase_duration_seconds_count{phase="connect"}')).toBe(1);
  expect(of('thaw_snapshots_taken_total{outcome="ready"}')).toBe(1);
  expect(of("thaw_snapshots")).toBe(1);
  expect(of("thaw_concurrent_executions")).toBe(0);
  expect(of("thaw_data_free_bytes")).toBeGreaterThan(1024 ** 2);
  expect(of("thaw_resident_memory_bytes")).toBeGreaterThan(1024 ** 2);
});

it("sends each restore as one trace, and logs it with the fixed keys", async ({ expect }) => {
  const spans = await functions.eventually("a trace", async () => {
    await fetch(metricsUrl);
    const all = received.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    return all.length > 0 && all;
  });
  const names = spans.map(({ name }) => name);
  for (const name of ["restore", "engine", "connect", "hooks", "firstResponse"]) expect(names).toContain(name);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const line = server
    .output()
    .split("\n")
    .find((text) => text.includes('"event":"restore"'));
  const logged = JSON.parse(line ?? "{}") as Record<string, unknown>;
  expect(logged).toMatchObject({
    functionName: "figures",
    version: "1",
    phase: "restore",
    durationMs: expect.any(Number),
  });
  for (const key of ["environmentId", "snapshotId", "requestId"]) expect(logged[key], key).toEqual(expect.any(String));
  expect(String(logged["requestId"]).replaceAll("-", "")).toBe(spans[0]?.["traceId"]);
});

it("gives figures only to its own listener and to signed requests", async ({ expect }) => {
  expect((await fetch(`${server.endpoint}/metrics`)).status).toBe(403);
  expect((await fetch(`${server.endpoint}/_thaw/v1/metrics`)).status).toBe(403);
  expect(await (await functions.admin("GET", "metrics")).text()).toContain("thaw_invocations_total");
  for (const path of ["healthz/live", "healthz/ready"]) {
    expect((await fetch(`${server.endpoint}/${path}`)).status).toBe(200);
    expect((await fetch(metricsUrl.replace("metrics", path))).status).toBe(200);
  }
});

it("is told by thaw doctor what it is, and what it has left", ({ expect }) => {
  const { stdout } = spawnSync(process.execPath, [CLI, "doctor", "--json"], {
    encoding: "utf8",
    env: { ...process.env, ...server.env },
  });
  const findings = JSON.parse(stdout) as ReadonlyArray<{ what: string; level: string; detail: string }>;
  const of = (what: string): string => findings.find((finding) => finding.what === what)?.detail ?? "";
  expect(of("server")).toContain(`ready at ${server.endpoint}`);
  expect(of("engine")).toContain("criu");
  expect(of("limits")).toContain("of 100 environments");
  expect(of("pool")).toContain("3 ready sandboxes");
  expect(of("disk")).toContain("free");
});

it("says that it is not ready while it finishes its last invoke, and refuses settings it can't use", async ({
  expect,
}) => {
  const gate = new Gate();
  const other = await startThaw({ args: ["--metrics", "127.0.0.1:0", ...gate.args] });
  const own = new TestFunctions(other);
  const url = /thaw metrics on (\S+)/.exec(other.output())?.[1]?.replace("metrics", "healthz/ready") ?? "";
  const code = `${GATE_CODE}\nexport const handler = () => opened("end").then(() => 7);`;
  const name = await own.create({ "index.mjs": code }, gate.options);
  const running = own.invoke(name);
  await own.eventually("it runs", async () => (await own.environments(name)).some(({ state }) => state === "invoking"));
  const stopped = other.stop();
  const notReady = await own.eventually("not ready", async () =>
    fetch(url).then((answer) => answer.status === 503 && answer.json()),
  );
  gate.open("end");
  expect(notReady).toEqual({ status: "not ready", reason: "the server is stopping" });
  expect((await running).payload).toBe(7);
  await stopped;
  await other.remove();
  gate.remove();
  await expect(startThaw({ args: ["--metrics", "nonsense"] })).rejects.toThrow(
    "--metrics nonsense: expected HOST:PORT",
  );
  await expect(startThaw({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: "nonsense" } })).rejects.toThrow("expected a URL");
});
