/**
 * AWS's event stream, as an answer's body: a frame for each event, with its kind in headers. The order of the headers
 * is that of recorded answers.
 */
import type { EventStreamCodec } from "@smithy/core/event-streams";
import type { ServiceModel } from "../model.ts";
import type { Shape } from "../shape.ts";

export const EVENT_STREAM_TYPE = "application/vnd.amazon.eventstream";
/** Largest payload of an event: one piece of a function's response, which clients can take without much memory. */
const PAYLOAD_SIZE_BYTES_MAX = 64 * 1024;

/** Null until the first stream. */
let loadedCodec: EventStreamCodec | null = null;

async function loadCodec(): Promise<EventStreamCodec> {
  const module = await import("@smithy/core/event-streams");
  return (loadedCodec = new module.EventStreamCodec(
    (bytes) => Buffer.from(bytes).toString("utf8"),
    (text) => Buffer.from(text, "utf8"),
  ));
}

/** Writes events of a union whose set member is the event's kind. */
export async function* encodeEvents(
  model: ServiceModel,
  unionName: string,
  events: AsyncIterable<Readonly<Record<string, unknown>>>,
): AsyncGenerator<Buffer, void, undefined> {
  const codec = loadedCodec ?? (await loadCodec());
  const union = model.shapes[unionName] as Shape;
  for await (const event of events) {
    for (const [kind, member] of Object.entries(union.members ?? {})) {
      if (event[kind] === undefined) continue;
      const content = event[kind] as Readonly<Record<string, unknown>>;
      yield* encodeEvent(codec, model.shapes[member.shape] as Shape, kind, content);
    }
  }
}

function* encodeEvent(
  codec: EventStreamCodec,
  shape: Shape,
  kind: string,
  event: Readonly<Record<string, unknown>>,
): Generator<Buffer> {
  const payload = Object.entries(shape.members ?? {}).find(([, member]) => member["eventpayload"] === true);
  if (payload === undefined) {
    yield frame(codec, kind, "application/json", Buffer.from(JSON.stringify(event)));
    return;
  }
  const bytes = event[payload[0]] as Uint8Array;
  for (let at = 0; at < bytes.length; at += PAYLOAD_SIZE_BYTES_MAX)
    yield frame(codec, kind, "application/octet-stream", bytes.subarray(at, at + PAYLOAD_SIZE_BYTES_MAX));
}

function frame(codec: EventStreamCodec, kind: string, contentType: string, body: Uint8Array): Buffer {
  const text = (value: string) => ({ type: "string", value }) as const;
  const headers = { ":event-type": text(kind), ":content-type": text(contentType), ":message-type": text("event") };
  return Buffer.from(codec.encode({ headers, body }));
}
