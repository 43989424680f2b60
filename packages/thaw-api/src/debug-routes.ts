/** Routes of debuggers: docs/guides/dev.md#debuggers. */
import * as z from "zod";
import { json, type RouteForm } from "./route.ts";

/** Bytes that a debugger's client sends at once. */
export const DEBUG_BYTES_MAX = 256 * 1024;

export const DEBUG_EVENTS = ["started", "restored", "ended"] as const;

const debugNews = z.object({
  event: z
    .enum(DEBUG_EVENTS)
    .describe("`started`: the runtime is being started; `restored`: a clone waits before its after-restore hooks"),
  environmentId: z.string(),
  version: z.string(),
});

export const DEBUG_ROUTES = {
  debugFunction: {
    method: "GET",
    path: "debug/{function}",
    about:
      "Debugs a function until the client leaves, and tells of its environments as JSON lines. Those that are made meanwhile, of a configuration with the variable `THAW_DEBUG_PORT`, keep no time limit and are not frozen, and clones wait before their after-restore hooks. Its environments are stopped at the beginning and at the end.",
    isOperators: true,
    isEndless: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "lines", schema: debugNews },
  },
  continueDebugged: {
    method: "POST",
    path: "debug/{function}/continue",
    about: "Lets the clones of a debugged function go on that wait before their after-restore hooks.",
    isOperators: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(z.object({ continued: z.number() })),
  },
  readDebugger: {
    method: "GET",
    path: "debug/{function}/connections/{connection}",
    about:
      "Connects to the port of `THAW_DEBUG_PORT` in an environment of a debugged function: in a clone that waits, else in the newest one. Gives what its debugger says, until either side ends. `connection` is a name of the client's choice.",
    isOperators: true,
    isEndless: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "bytes", contentType: "application/octet-stream" },
  },
  writeDebugger: {
    method: "PUT",
    path: "debug/{function}/connections/{connection}",
    about: "Says something to the debugger at a connection that is being read. It has all of it when the answer comes.",
    isOperators: true,
    query: {},
    body: "bytes",
    bodyBytesMax: DEBUG_BYTES_MAX,
    answer: json(z.object({ sizeBytes: z.number() })),
  },
} as const satisfies Readonly<Record<string, RouteForm>>;
