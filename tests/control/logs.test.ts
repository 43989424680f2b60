/** The CloudWatch Logs API on the same port: its operations, tokens, limits and refusals, in JSON 1.1. */
import { expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

const GROUP = "/aws/lambda/f";
const ARN = `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}`;
const STREAM = "2026/11/29/[$LATEST]0123";
const DAY_MS = 86_400_000;

type Answer = Readonly<Record<string, unknown>>;
type Ask = (
  operation: string,
  input?: object,
  spoil?: (header: string) => string,
) => Promise<readonly [number, Answer]>;

async function withLogs(work: (ask: Ask, harness: HttpHarness) => Promise<void>): Promise<void> {
  await using harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const ask: Ask = async (operation, input = {}, spoil = (header) => header) => {
    const body = Buffer.from(JSON.stringify(input));
    const given = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `Logs_20140328.${operation}` };
    const headers = harness.signed("POST", "/", body, given, "logs");
    const response = await fetch(`http://${harness.host}/`, {
      method: "POST",
      headers: { ...headers, authorization: spoil(headers["authorization"] ?? "") },
      body: new Uint8Array(body),
    });
    expect(response.headers.get("content-type")).toBe("application/x-amz-json-1.1");
    expect(response.headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f-]{36}$/);
    const text = await response.text();
    return [response.status, text === "" ? {} : (JSON.parse(text) as Answer)];
  };
  await work(ask, harness);
  expect(harness.problems).toEqual([]);
}

const refusal = (code: string, message: unknown): unknown => [400, { __type: code, message }];
const NO_GROUP = refusal("ResourceNotFoundException", "The specified log group does not exist.");
const NO_STREAM = refusal("ResourceNotFoundException", "The specified log stream does not exist.");
const invalid = (message: unknown): unknown => refusal("InvalidParameterException", message);

interface Events {
  readonly events: ReadonlyArray<{ readonly message: string; readonly eventId?: string; readonly timestamp: number }>;
  readonly nextForwardToken: string;
  readonly nextBackwardToken: string;
  readonly nextToken?: string;
}

/** Asks for a page, which has to be there. */
async function page(ask: Ask, operation: string, input: object): Promise<Events> {
  const [status, answer] = await ask(operation, input);
  expect([status, answer]).toEqual([200, expect.anything()]);
  return answer as unknown as Events;
}

const messages = ({ events }: Events): readonly string[] => events.map(({ message }) => message);

it("makes, shows and deletes groups and streams, and refuses what is there or is not", async () => {
  await withLogs(async (ask) => {
    const [logGroupName, logStreamName] = [GROUP, STREAM];
    expect(await ask("DescribeLogGroups")).toEqual([200, { logGroups: [] }]);
    expect(await ask("CreateLogStream", { logGroupName, logStreamName })).toEqual(NO_GROUP);
    expect(await ask("CreateLogGroup", { logGroupName, tags: { team: "a" } })).toEqual([200, {}]);
    expect(await ask("CreateLogGroup", { logGroupName })).toEqual(
      refusal("ResourceAlreadyExistsException", "The specified log group already exists"),
    );
    expect(await ask("CreateLogStream", { logGroupName, logStreamName })).toEqual([200, {}]);
    expect(await ask("CreateLogStream", { logGroupName, logStreamName })).toEqual(
      refusal("ResourceAlreadyExistsException", "The specified log stream already exists"),
    );
    const creationTime = expect.any(Number);
    expect(await ask("DescribeLogGroups", { logGroupNamePrefix: "/aws/lambda" })).toEqual([
      200,
      {
        logGroups: [
          {
            logGroupName,
            creationTime,
            metricFilterCount: 0,
            arn: `${ARN}:*`,
            storedBytes: 0,
            logGroupClass: "STANDARD",
            logGroupArn: ARN,
            deletionProtectionEnabled: false,
          },
        ],
      },
    ]);
    expect(await ask("DescribeLogStreams", { logGroupIdentifier: ARN })).toEqual([
      200,
      {
        logStreams: [
          {
            logStreamName,
            creationTime,
            uploadSequenceToken: expect.stringMatching(/^\d{56}$/),
            arn: `${ARN}:log-stream:${logStreamName}`,
            storedBytes: 0,
          },
        ],
      },
    ]);
    expect(await ask("DeleteLogStream", { logGroupName, logStreamName })).toEqual([200, {}]);
    expect(await ask("DeleteLogStream", { logGroupName, logStreamName })).toEqual(NO_STREAM);
    expect(await ask("GetLogEvents", { logGroupName, logStreamName })).toEqual(NO_STREAM);
    expect(await ask("DeleteLogGroup", { logGroupName })).toEqual([200, {}]);
    expect(await ask("DeleteLogGroup", { logGroupName })).toEqual(NO_GROUP);
    for (const operation of ["DescribeLogStreams", "FilterLogEvents"])
      expect(await ask(operation, { logGroupName })).toEqual(NO_GROUP);
  });
});

it("shows groups and streams page by page", async () => {
  await withLogs(async (ask) => {
    for (const logGroupName of ["/a/one", "/a/two", "/b/two"]) await ask("CreateLogGroup", { logGroupName });
    for (const logStreamName of ["x", "xy", "z"])
      await ask("CreateLogStream", { logGroupName: "/a/one", logStreamName });
    const all = async (operation: string, input: object, list: string, name: string): Promise<readonly unknown[]> => {
      const found: unknown[] = [];
      for (let nextToken: unknown; ; ) {
        const [, answer] = await ask(operation, {
          ...input,
          limit: 1,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        found.push(...(answer[list] as readonly Answer[]).map((item) => item[name]));
        nextToken = answer["nextToken"];
        if (nextToken === undefined) return found;
      }
    };
    const groups = (input: object) => all("DescribeLogGroups", input, "logGroups", "logGroupName");
    expect(await groups({})).toEqual(["/a/one", "/a/two", "/b/two"]);
    expect(await groups({ logGroupNamePrefix: "/a/" })).toEqual(["/a/one", "/a/two"]);
    expect(await groups({ logGroupNamePattern: "two" })).toEqual(["/a/two", "/b/two"]);
    expect(await ask("DescribeLogGroups", { logGroupNamePattern: "/b/" })).toEqual([
      200,
      {
        logGroups: [
          { logGroupName: "/b/two", creationTime: expect.any(Number), arn: expect.stringMatching(/two:\*$/) },
        ],
      },
    ]);
    // The part of the ARN before the name is not searched.
    expect(await groups({ logGroupNamePattern: "aws" })).toEqual([]);
    expect((await ask("DescribeLogGroups", { logGroupIdentifiers: ["/b/two", "/none"] }))[1]).toMatchObject({
      logGroups: [{ logGroupName: "/b/two" }],
    });
    const streams = (input: object) =>
      all("DescribeLogStreams", { logGroupName: "/a/one", ...input }, "logStreams", "logStreamName");
    expect(await streams({})).toEqual(["x", "xy", "z"]);
    expect(await streams({ descending: true })).toEqual(["z", "xy", "x"]);
    expect(await streams({ logStreamNamePrefix: "x" })).toEqual(["x", "xy"]);
    const [, { nextToken }] = await ask("DescribeLogStreams", { logGroupName: "/a/one", limit: 1 });
    const wrong = { logGroupName: "/a/one", limit: 1, nextToken, descending: true };
    expect(await ask("DescribeLogStreams", wrong)).toEqual(invalid("The specified nextToken is invalid."));
    expect(await ask("DescribeLogStreams", { ...wrong, nextToken: "e30" })).toEqual(
      invalid("The specified nextToken is invalid."),
    );
  });
});

it("orders streams by their last event, as tools do that look for the newest", async () => {
  await withLogs(async (ask, { logs }) => {
    for (const [stream, timestampMs] of [
      ["a", 2_000],
      ["b", 3_000],
      ["c", 1_000],
    ] as const)
      logs.append(ARN, stream, timestampMs, "x", "function");
    const newest = { logGroupName: GROUP, orderBy: "LastEventTime", descending: true };
    const [, answer] = await ask("DescribeLogStreams", newest);
    expect(answer["logStreams"]).toMatchObject([
      {
        logStreamName: "b",
        firstEventTimestamp: 3_000,
        lastEventTimestamp: 3_000,
        lastIngestionTime: expect.any(Number),
      },
      { logStreamName: "a" },
      { logStreamName: "c" },
    ]);
    expect(await ask("DescribeLogStreams", { ...newest, logStreamNamePrefix: "a" })).toEqual(
      invalid("Cannot order by LastEventTime with a logStreamNamePrefix."),
    );
  });
});

it("gives a stream's events from either end, and the same token again at the end", async () => {
  await withLogs(async (ask, { logs }) => {
    for (let index = 0; index < 5; index++) logs.append(ARN, STREAM, 1_000 + index, `event ${index}`, "function");
    const of = { logGroupName: GROUP, logStreamName: STREAM };
    const get = (input: object): Promise<Events> => page(ask, "GetLogEvents", { ...of, ...input });
    expect((await get({ startFromHead: true, limit: 1 })).events).toEqual([
      { timestamp: 1_000, message: "event 0\n", ingestionTime: expect.any(Number) },
    ]);
    expect(messages(await get({ startTime: 1_001, endTime: 1_003, startFromHead: true }))).toEqual([
      "event 1\n",
      "event 2\n",
    ]);

    const head = await get({ startFromHead: true, limit: 3 });
    expect(head.nextForwardToken).toMatch(/^f\/\d{56}\/s$/);
    expect(head.nextBackwardToken).toMatch(/^b\/\d{56}\/s$/);
    const tail = await get({ startFromHead: true, limit: 3, nextToken: head.nextForwardToken });
    expect(messages(tail)).toEqual(["event 3\n", "event 4\n"]);
    const end = await get({ startFromHead: true, nextToken: tail.nextForwardToken });
    expect([end.events, end.nextForwardToken]).toEqual([[], tail.nextForwardToken]);
    // From the empty page backwards: what was before it, nothing left out.
    expect(messages(await get({ nextToken: end.nextBackwardToken, limit: 1 }))).toEqual(["event 4\n"]);
    logs.append(ARN, STREAM, 2_000, "later", "function");
    expect(messages(await get({ startFromHead: true, nextToken: end.nextForwardToken }))).toEqual(["later\n"]);

    const last = await get({ limit: 2 });
    expect(messages(last)).toEqual(["event 4\n", "later\n"]);
    const before = await get({ limit: 10, nextToken: last.nextBackwardToken });
    expect(messages(before)).toEqual(["event 0\n", "event 1\n", "event 2\n", "event 3\n"]);
    const start = await get({ nextToken: before.nextBackwardToken });
    expect([start.events, start.nextBackwardToken]).toEqual([[], before.nextBackwardToken]);
    expect(messages(await get({ nextToken: start.nextForwardToken, limit: 1 }))).toEqual(["event 0\n"]);

    const empty = await get({ startTime: 5_000, startFromHead: true });
    expect(empty.events).toEqual([]);
    logs.append(ARN, STREAM, 6_000, "much later", "function");
    expect(messages(await get({ startTime: 5_000, nextToken: empty.nextForwardToken }))).toEqual(["much later\n"]);
    for (const nextToken of ["x", "f/1/s", `f/${"9".repeat(60)}/s`])
      expect(await ask("GetLogEvents", { ...of, nextToken })).toEqual(invalid("The specified nextToken is invalid."));
  });
});

it("finds events by pattern, time and stream, and gives each an id", async () => {
  await withLogs(async (ask, { logs }) => {
    logs.append(ARN, "a", 1_000, "START RequestId: 1", "platform");
    logs.append(ARN, "a", 1_001, '{"level":"ERROR","took":12}', "function");
    logs.append(ARN, "b", 1_002, "ERROR: no such order", "function");
    logs.append(ARN, "b", 1_003, "WARN late", "function");
    const find = async (input: object): Promise<readonly string[]> =>
      messages(await page(ask, "FilterLogEvents", { logGroupName: GROUP, ...input }));
    const [json, error, warn] = ['{"level":"ERROR","took":12}\n', "ERROR: no such order\n", "WARN late\n"];
    expect(await find({ filterPattern: "ERROR" })).toEqual([json, error]);
    expect(await find({ filterPattern: '{ $.level = "ERROR" && $.took > 10 }' })).toEqual([json]);
    expect(await find({ filterPattern: "?order ?late" })).toEqual([error, warn]);
    expect(await find({ filterPattern: "%^[EW]\\w+:?%" })).toEqual([error, warn]);
    expect(await find({ filterPattern: "[level = WARN, what]" })).toEqual([warn]);
    expect(await find({ logStreamNames: ["a"] })).toEqual(["START RequestId: 1\n", json]);
    expect(await find({ logStreamNames: ["a", "b"], filterPattern: "ERROR" })).toEqual([json, error]);
    expect(await find({ logStreamNamePrefix: "b" })).toEqual([error, warn]);
    // The end is in the span, unlike that of GetLogEvents.
    expect(await find({ startTime: 1_001, endTime: 1_002 })).toEqual([json, error]);
    expect(await find({ startTime: 2 ** 53, endTime: 2 ** 60 })).toEqual([]);

    const first = await page(ask, "FilterLogEvents", { logGroupName: GROUP, limit: 3, interleaved: true });
    expect(first).toMatchObject({ events: { length: 3 }, searchedLogStreams: [], nextToken: expect.any(String) });
    const { nextToken } = first;
    const second = await page(ask, "FilterLogEvents", { logGroupName: GROUP, limit: 3, nextToken });
    expect([messages(second), second.nextToken]).toEqual([[warn], undefined]);
    const ids = [...first.events, ...second.events].map(({ eventId = "" }) => eventId);
    expect(new Set(ids).size).toBe(4);
    expect(ids.every((id) => /^\d{56}$/.test(id)) && ids.toSorted().join() === ids.join()).toBe(true);
    expect(await ask("FilterLogEvents", { logGroupName: GROUP, filterPattern: "x", nextToken })).toEqual(
      invalid("The specified nextToken is invalid."),
    );
    expect(await ask("FilterLogEvents", { logGroupName: GROUP, logStreamNames: ["none"] })).toEqual(NO_STREAM);
  });
});

it("gives the newest events first where it is asked to", async () => {
  await withLogs(async (ask, { logs }) => {
    const startTime = Date.UTC(2025, 0, 1);
    for (let index = 0; index < 5; index++) logs.append(ARN, STREAM, startTime + index, `${index}`, "function");
    const asked = { logGroupName: GROUP, startTime, limit: 2 };
    const first = await page(ask, "FilterLogEvents", { ...asked, startFromHead: false });
    // The token has the direction.
    const second = await page(ask, "FilterLogEvents", { ...asked, nextToken: first.nextToken });
    expect([messages(first), messages(second)]).toEqual([
      ["4\n", "3\n"],
      ["2\n", "1\n"],
    ]);
    expect(await ask("FilterLogEvents", { logGroupName: GROUP, startFromHead: false })).toEqual(
      invalid(expect.stringContaining("2024-01-01")),
    );
  });
});

it("takes a client's events as they are, and says which are too old or too new", async () => {
  await withLogs(async (ask) => {
    const nowMs = Date.now();
    const to = { logGroupName: GROUP, logStreamName: "own" };
    const event = (timestamp: number, message: string): object => ({ timestamp, message });
    const put = (...logEvents: object[]) => ask("PutLogEvents", { ...to, logEvents });
    expect(await put(event(nowMs, "x"))).toEqual(NO_GROUP);
    await ask("CreateLogGroup", to);
    expect(await put(event(nowMs, "x"))).toEqual(NO_STREAM);
    await ask("CreateLogStream", to);
    expect(await put(event(nowMs - 1, "without"), event(nowMs, "with\n"))).toEqual([
      200,
      { nextSequenceToken: expect.stringMatching(/^\d{56}$/) },
    ]);
    expect(
      await put(
        event(nowMs - 20 * DAY_MS, "old"),
        event(nowMs - 15 * DAY_MS, "old"),
        event(nowMs, "now"),
        event(nowMs + DAY_MS, "new"),
      ),
    ).toMatchObject([200, { rejectedLogEventsInfo: { tooOldLogEventEndIndex: 2, tooNewLogEventStartIndex: 3 } }]);
    await ask("PutRetentionPolicy", { ...to, retentionInDays: 1 });
    expect(await put(event(nowMs - 2 * DAY_MS, "expired"), event(nowMs, "now"))).toMatchObject([
      200,
      { rejectedLogEventsInfo: { expiredLogEventEndIndex: 1 } },
    ]);
    const kept = await page(ask, "GetLogEvents", { ...to, startFromHead: true });
    expect(messages(kept)).toEqual(["without", "with\n", "now", "now"]);
    expect(await put(event(nowMs, "b"), event(nowMs - 1, "a"))).toEqual(
      invalid("Log events in a single PutLogEvents request must be in chronological order."),
    );
    expect(await put(event(nowMs - DAY_MS + 60_000, "a"), event(nowMs + 3_600_000, "b"))).toEqual(
      invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours."),
    );
    expect(await put(event(nowMs, "x".repeat(2 ** 20)))).toEqual(
      invalid("Upload too large: 1048602 bytes exceeds limit of 1048576"),
    );
    expect(await put()).toEqual(
      invalid(
        "1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: " +
          "Member must have length greater than or equal to 1",
      ),
    );
  });
});

it("keeps retention and tags, and shows them", async () => {
  await withLogs(async (ask) => {
    const logGroupName = GROUP;
    await ask("CreateLogGroup", { logGroupName, tags: { a: "1" } });
    expect(await ask("PutRetentionPolicy", { logGroupName, retentionInDays: 7 })).toEqual([200, {}]);
    const shown = async (): Promise<unknown> => (await ask("DescribeLogGroups"))[1]["logGroups"];
    expect(await shown()).toMatchObject([{ retentionInDays: 7 }]);
    await ask("DeleteRetentionPolicy", { logGroupName });
    expect(await shown()).toEqual([expect.not.objectContaining({ retentionInDays: 7 })]);
    expect(await ask("PutRetentionPolicy", { logGroupName, retentionInDays: 2 })).toEqual(
      invalid(
        expect.stringMatching(
          /^1 validation error detected: Value '2' at 'retentionInDays' failed .* enum value set: \[1, 3, .*, 3653\]$/,
        ),
      ),
    );
    expect(await ask("TagResource", { resourceArn: ARN, tags: { b: "2" } })).toEqual([200, {}]);
    expect(await ask("ListTagsForResource", { resourceArn: ARN })).toEqual([200, { tags: { a: "1", b: "2" } }]);
    await ask("UntagResource", { resourceArn: ARN, tagKeys: ["a"] });
    expect(await ask("ListTagsLogGroup", { logGroupName })).toEqual([200, { tags: { b: "2" } }]);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, ""]));
    expect((await ask("TagResource", { resourceArn: ARN, tags: many }))[1]).toMatchObject({
      __type: "TooManyTagsException",
    });
    const foreign = ARN.replace("us-east-1", "eu-west-1");
    expect(await ask("ListTagsForResource", { resourceArn: foreign })).toEqual(NO_GROUP);
  });
});

it.for<[string, object, unknown]>([
  [
    "GetLogEvents",
    { logGroupName: "" },
    /^3 validation errors detected: .*'logStreamName'.*not be null; Value '' at 'logGroupName'/,
  ],
  ["FilterLogEvents", {}, /^Exactly one of logGroupName and logGroupIdentifier/],
  ["FilterLogEvents", { logGroupName: "a", logGroupIdentifier: "a" }, /^Exactly one of/],
  [
    "FilterLogEvents",
    { logGroupName: "a", limit: 10_001 },
    /^1 validation error .*'10001' at 'limit'.*less than or equal to 10000/,
  ],
  ["FilterLogEvents", { logGroupName: "a", logStreamNames: ["b"], logStreamNamePrefix: "b" }, /mutually exclusive/],
  ["FilterLogEvents", { logGroupName: "a", filterPattern: "a:b" }, /^Invalid character\(s\) in term ':'$/],
  ["CreateLogGroup", { logGroupName: "a b" }, /'a b' at 'logGroupName'.*regular expression pattern: \[/],
  ["CreateLogGroup", { logGroupName: "AWS/x" }, /^Log groups starting with AWS\/ are reserved/],
  ["CreateLogGroup", { logGroupName: "a", kmsKeyId: "arn:aws:kms:x" }, /^Thaw does not have 'kmsKeyId'/],
  ["CreateLogGroup", { logGroupName: "a", logGroupClass: "DELIVERY" }, /STANDARD only/],
  ["DescribeLogGroups", { logGroupNamePrefix: "a", logGroupNamePattern: "b" }, /mutually exclusive/],
  ["DescribeLogGroups", { includeLinkedAccounts: true }, /'includeLinkedAccounts'/],
])("refuses %s %j", async ([operation, input, message], { expect: expects }) => {
  await withLogs(async (ask) => {
    expects(await ask(operation, input)).toEqual(invalid(expect.stringMatching(message as RegExp)));
  });
});

it("refuses other operations by name, and wrong signatures as clients of this protocol read it", async () => {
  await withLogs(async (ask) => {
    expect(await ask("StartLiveTail", { logGroupIdentifiers: [ARN] })).toEqual(
      refusal("NotImplementedException", expect.stringMatching(/^StartLiveTail is part of .*'aws logs tail --follow'/)),
    );
    expect(await ask("CreateExportTask", {})).toEqual(
      refusal("NotImplementedException", "CreateExportTask is part of CloudWatch Logs, but Thaw does not have it."),
    );
    expect(await ask("Nonsense")).toEqual(refusal("UnknownOperationException", expect.stringContaining("Nonsense")));
    expect(await ask("DescribeLogGroups", { limit: "1" })).toEqual(
      refusal("SerializationException", expect.stringContaining("limit")),
    );
    const wrong = await ask("DescribeLogGroups", {}, (header) => header.replace("AKIATEST", "AKIAOTHER"));
    expect(wrong).toEqual(refusal("UnrecognizedClientException", expect.any(String)));
  });
});
