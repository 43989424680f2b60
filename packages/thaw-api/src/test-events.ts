/** Saved test events of functions, and prime events, which are part of their code. */
import * as z from "zod";
import type { Frozen } from "./frozen.ts";

export const TEST_EVENT_BYTES_MAX = 256 * 1024;

export const testEventSummary = z.object({
  name: z.string(),
  sizeBytes: z.number(),
});

export const testEvents = z.object({
  events: z.array(testEventSummary).describe("By name"),
  updatedAtMs: z.number().nullable().describe("Time of the last change; null: there never was an event"),
});

export const testEvent = z.object({
  name: z.string(),
  event: z.string().describe("JSON text"),
});

export const primeEvents = z.object({
  version: z.string().describe("The version whose they are: `$LATEST` or a number"),
  events: z.array(z.string()).describe("JSON texts, in the order in which they are served; empty where it has none"),
  times: z.number().describe("So often each of them is served before the snapshot"),
});

export type TestEventSummary = Frozen<z.infer<typeof testEventSummary>>;
export type TestEvents = Frozen<z.infer<typeof testEvents>>;
export type TestEvent = Frozen<z.infer<typeof testEvent>>;
