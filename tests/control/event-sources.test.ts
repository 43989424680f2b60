/** Event source mappings: what is kept and shown, their states, and what is refused in AWS's words. */
import type { OperationName } from "@thaw/aws-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";

const ARN = "arn:aws:lambda:us-east-1:000000000000:";
const QUEUE = "arn:aws:sqs:us-east-1:000000000000:q";
const STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";
const SEEN_MS = 200;
const NO_POLLER = expect.stringMatching(/^Nothing is read: .* Start the server with --aws-endpoint sqs=URL/);

let harness: ControlHarness;
beforeEach(async () => {
  harness = await ControlHarness.start({
    functions: { good: { handle: () => "1" } },
    limits: { stateChangeMs: SEEN_MS },
  });
  const made = harness.create("f", "good", { snapStart: false });
  await harness.advance(SEEN_MS);
  await made;
});
afterEach(() => harness.end());

async function answer(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
  return harness.call(operation, input).catch((error: Error) => `${error.name}: ${error.message}`);
}

const create = (input: Record<string, unknown>): Promise<unknown> =>
  answer("CreateEventSourceMapping", { FunctionName: "f", ...input });

async function made(input: Record<string, unknown>): Promise<string> {
  const { UUID } = (await create(input)) as { readonly UUID: string };
  await harness.advance(SEEN_MS);
  return UUID;
}

describe("a mapping", () => {
  it("of a queue is made, changed and deleted, and its states can be seen; without an endpoint it says so", async () => {
    const shown = {
      UUID: expect.any(String),
      EventSourceMappingArn: expect.stringMatching(`^${ARN}event-source-mapping:`),
      EventSourceArn: QUEUE,
      FunctionArn: `${ARN}function:f`,
      BatchSize: 10,
      FunctionResponseTypes: [],
      MaximumBatchingWindowInSeconds: 0,
      LastModified: expect.any(Date),
      State: "Creating",
      StateTransitionReason: "USER_INITIATED",
    };
    const first = (await create({ EventSourceArn: QUEUE })) as { readonly UUID: string };
    expect(first).toEqual(shown);
    const { UUID } = first;
    expect(await answer("GetEventSourceMapping", { UUID })).toEqual(first);
    expect(await answer("UpdateEventSourceMapping", { UUID, BatchSize: 5 })).toBe(
      "ResourceInUseException: Cannot update the event source mapping because it is in use.",
    );
    await harness.advance(SEEN_MS);
    const settled = { ...shown, State: "Disabled", StateTransitionReason: NO_POLLER };
    expect(await answer("GetEventSourceMapping", { UUID })).toEqual(settled);
    await harness.restart();
    expect(await answer("ListEventSourceMappings", {})).toEqual({ EventSourceMappings: [settled] });
    expect(await answer("UpdateEventSourceMapping", { UUID, BatchSize: 5 })).toEqual({
      ...shown,
      BatchSize: 5,
      State: "Updating",
    });
    await harness.advance(SEEN_MS);
    expect(await answer("UpdateEventSourceMapping", { UUID, Enabled: false })).toMatchObject({ State: "Disabling" });
    await harness.advance(SEEN_MS);
    expect(await answer("GetEventSourceMapping", { UUID })).toMatchObject({
      State: "Disabled",
      StateTransitionReason: "USER_INITIATED",
    });
    expect(await answer("DeleteEventSourceMapping", { UUID })).toMatchObject({ State: "Deleting", BatchSize: 5 });
    expect(await answer("GetEventSourceMapping", { UUID })).toMatchObject({ State: "Deleting" });
    await harness.advance(SEEN_MS);
    const gone = "ResourceNotFoundException: The resource you requested does not exist.";
    expect(await answer("GetEventSourceMapping", { UUID })).toBe(gone);
    expect(await answer("DeleteEventSourceMapping", { UUID })).toBe(gone);
    expect(await answer("ListEventSourceMappings", {})).toEqual({ EventSourceMappings: [] });
  });

  it("of a stream has AWS's defaults, and its filters are taken away by an empty list", async () => {
    const FilterCriteria = { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] };
    const first = await create({ EventSourceArn: TABLE, StartingPosition: "LATEST", FilterCriteria });
    const { UUID } = first as { readonly UUID: string };
    expect(first).toEqual({
      UUID,
      EventSourceMappingArn: `${ARN}event-source-mapping:${UUID}`,
      EventSourceArn: TABLE,
      FunctionArn: `${ARN}function:f`,
      BatchSize: 100,
      BisectBatchOnFunctionError: false,
      DestinationConfig: { OnFailure: {} },
      FilterCriteria,
      FunctionResponseTypes: [],
      LastModified: expect.any(Date),
      LastProcessingResult: "No records processed",
      MaximumBatchingWindowInSeconds: 0,
      MaximumRecordAgeInSeconds: -1,
      MaximumRetryAttempts: -1,
      ParallelizationFactor: 1,
      StartingPosition: "LATEST",
      State: "Creating",
      StateTransitionReason: "User action",
      TumblingWindowInSeconds: 0,
    });
    await harness.advance(SEEN_MS);
    expect(await answer("UpdateEventSourceMapping", { UUID, FilterCriteria: {} })).not.toHaveProperty("FilterCriteria");
  });

  it("that is not enabled is Disabled for the reason that its client gave", async () => {
    expect(await create({ EventSourceArn: QUEUE, Enabled: false })).toMatchObject({
      State: "Disabled",
      StateTransitionReason: "USER_INITIATED",
    });
  });

  it("belongs to a version or an alias, is found by its function and its source, and outlives its function", async () => {
    const publishing = harness.publish("f");
    await harness.advance(SEEN_MS);
    const UUID = await made({ EventSourceArn: QUEUE, FunctionName: `f:${await publishing}` });
    const other = await made({ EventSourceArn: QUEUE });
    const found = async (input: Record<string, unknown>): Promise<readonly string[]> => {
      const listed = (await harness.call("ListEventSourceMappings", input)) as {
        readonly EventSourceMappings: ReadonlyArray<{ readonly UUID: string }>;
      };
      return listed.EventSourceMappings.map((each) => each.UUID).toSorted();
    };
    expect(await found({ FunctionName: "f:1" })).toEqual([UUID]);
    expect(await found({ FunctionName: "f" })).toEqual([UUID, other].toSorted());
    expect(await found({ EventSourceArn: STREAM })).toEqual([]);
    expect(await found({ FunctionName: "g" })).toEqual([]);
    await harness.call("DeleteFunction", { FunctionName: "f" });
    expect(await found({})).toHaveLength(2);
    expect(await answer("GetEventSourceMapping", { UUID })).toMatchObject({ FunctionArn: `${ARN}function:f:1` });
  });

  it("has tags", async () => {
    const UUID = await made({ EventSourceArn: QUEUE, Tags: { a: "b" } });
    const Resource = `${ARN}event-source-mapping:${UUID}`;
    await harness.call("TagResource", { Resource, Tags: { c: "d" } });
    await harness.call("UntagResource", { Resource, TagKeys: ["a"] });
    expect(await answer("ListTags", { Resource })).toEqual({ Tags: { c: "d" } });
    await harness.call("DeleteEventSourceMapping", { UUID });
    await harness.advance(SEEN_MS);
    expect(await answer("ListTags", { Resource })).toBe(
      `ResourceNotFoundException: Event source mapping not found: ${Resource}`,
    );
  });
});

describe("AWS's refusals:", () => {
  it.for([
    [
      { EventSourceArn: QUEUE },
      `An event source mapping with SQS arn (" ${QUEUE} ") and function (" f ") already exists`,
    ],
    [
      { EventSourceArn: STREAM, StartingPosition: "LATEST" },
      `The event source arn (" ${STREAM} ") and function (" f ") provided mapping already exists`,
    ],
    [
      {
        SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ["a:1", "b:2"] } },
        SourceAccessConfigurations: [{ Type: "BASIC_AUTH", URI: "arn" }],
        StartingPosition: "LATEST",
        Topics: ["t"],
      },
      `An event source mapping with event source ("a:1,b:2"), function ("${ARN}function:f"), topics ("t") already exists`,
    ],
  ] as const)("a second mapping of the same: %#", async ([input, text]) => {
    const UUID = await made(input);
    expect(await create(input)).toBe(
      `ResourceConflictException: ${text}. Please update or delete the existing mapping with UUID ${UUID}`,
    );
    await harness.call("DeleteEventSourceMapping", { UUID });
    await harness.advance(SEEN_MS);
    expect(await create(input)).toMatchObject({ State: "Creating" });
  });

  const unsupported = (member: string): string =>
    `Unsupported ${member} parameter for given event source mapping type.`;
  const destination = { Destination: QUEUE };
  it.for([
    [{}, "Unrecognized event source."],
    [{ EventSourceArn: "arn:aws:s3:::bucket" }, "Unrecognized event source."],
    [{ EventSourceArn: QUEUE, FunctionName: "nobody" }, "Function does not exist"],
    [{ EventSourceArn: QUEUE, FunctionName: "f:7" }, "Function does not exist"],
    [{ EventSourceArn: QUEUE, FunctionName: "f:nobody" }, "Function does not exist"],
    [{ SelfManagedEventSource: {} }, "Required 'sourceAccessConfigurations' parameter is missing."],
    [
      { EventSourceArn: STREAM },
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    ],
    [
      { EventSourceArn: TABLE, StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: new Date(0) },
      `Unsupported starting position for arn type: ${TABLE}`,
    ],
    [{ EventSourceArn: QUEUE, StartingPosition: "LATEST" }, "StartingPosition is not valid for SQS event sources."],
    [
      { EventSourceArn: QUEUE, BatchSize: 11 },
      "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    ],
    [
      { EventSourceArn: QUEUE, FilterCriteria: { Filters: [{ Pattern: '{"a":"b"}' }] } },
      "Invalid filter pattern definition.",
    ],
    [{ EventSourceArn: QUEUE, FilterCriteria: { Filters: [{}] } }, "Invalid filter pattern definition."],
    [{ EventSourceArn: QUEUE, DestinationConfig: { OnSuccess: destination } }, unsupported("DestinationConfig")],
    [{ EventSourceArn: QUEUE, DestinationConfig: { OnFailure: destination } }, unsupported("DestinationConfig")],
    [{ EventSourceArn: QUEUE, ParallelizationFactor: 2 }, unsupported("ParallelizationFactor")],
    [
      { EventSourceArn: STREAM, StartingPosition: "LATEST", ScalingConfig: { MaximumConcurrency: 2 } },
      unsupported("ScalingConfig"),
    ],
  ] as const)("%j", async ([input, text]) => {
    expect(await create(input)).toBe(`InvalidParameterValueException: ${text}`);
    expect(await answer("ListEventSourceMappings", {})).toEqual({ EventSourceMappings: [] });
  });
});
