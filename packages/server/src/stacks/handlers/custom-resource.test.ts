import { beforeEach, describe, expect, it } from "vitest";
import { FakeClock, settle } from "../../base/testing/fake-clock.ts";
import { CallError, type CallInput, type CallOutput } from "../../ports/service-calls.ts";
import type { OpenAddress, ServiceDoor } from "../../ports/service-door.ts";
import { NO_PASSED_SERVICES } from "../../ports/passed-services.ts";
import { createHandlers } from "./create-handlers.ts";
import { type Existing, type Handler, type HandlerContext, HandlerError } from "./handler.ts";

const TOKEN = "arn:aws:lambda:eu-west-1:123456789012:function:maker";

/** A door to which the test answers. */
class FakeDoor implements ServiceDoor {
  readonly keys: string[] = [];
  readonly #open = new Map<string, (body: Buffer) => void>();

  open(key: string): OpenAddress {
    this.keys.push(key);
    const url = `https://host.thaw.internal/answers/${this.keys.length}`;
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    this.#open.set(url, resolve);
    return { url, answer: promise, close: () => void this.#open.delete(url) };
  }

  answer(url: unknown, body: string): void {
    this.#open.get(String(url))?.(Buffer.from(body));
  }

  get openCount(): number {
    return this.#open.size;
  }
}

let door: FakeDoor;
let clock: FakeClock;
let events: Array<Readonly<Record<string, unknown>>>;
let handler: Handler;
/** What the function does with an event, and how its invoke ends. */
let invoke: (event: Readonly<Record<string, unknown>>) => CallOutput;
let stop: AbortController;
/** What GetFunctionConfiguration says of the function, and whether the operator named it. */
let variables: Readonly<Record<string, string>>;
let isNamed: boolean;

beforeEach(() => {
  door = new FakeDoor();
  clock = new FakeClock();
  events = [];
  stop = new AbortController();
  invoke = () => ({});
  variables = {};
  isNamed = false;
  const found = createHandlers({ door, clock, passed: NO_PASSED_SERVICES, callsServices: () => isNamed }, []).handlerOf(
    "Custom::Thing",
  );
  if (found === null) throw new Error("there is no handler");
  handler = found;
});

function contextOf(token = "t1"): HandlerContext {
  return {
    scope: { accountId: "123456789012", region: "eu-west-1" },
    stackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
    stackName: "shop",
    logicalId: "Thing",
    token,
    isRetry: false,
    tags: {},
    signal: stop.signal,
    services: {
      async call(_service: string, operation: string, { Payload: payload }: CallInput) {
        if (operation === "GetFunctionConfiguration") return { Environment: { Variables: variables } };
        const event = JSON.parse(String(payload)) as Record<string, unknown>;
        events.push(event);
        return invoke(event);
      },
    },
    makeName: () => "shop-Thing-1ABC",
    until: () => Promise.reject(new Error("not asked here")),
  };
}

/** A function that answers with these members. */
function answering(members: Readonly<Record<string, unknown>>): typeof invoke {
  return (event) => {
    door.answer(event["ResponseURL"], JSON.stringify({ Status: "SUCCESS", PhysicalResourceId: "thing-1", ...members }));
    return {};
  };
}

const EXISTING: Existing = {
  physicalId: "thing-1",
  attributes: {},
  properties: { ServiceToken: TOKEN, Size: 4 },
};

it("the function is told all, every scalar as a text, and its answer is what was made", async () => {
  invoke = answering({ Data: { Address: "a", Count: 3 } });
  const properties = { ServiceToken: TOKEN, Size: 5, Flags: [true, { Deep: null }], Text: "x" };
  const made = await handler.create(properties, contextOf());
  expect(made).toEqual({ physicalId: "thing-1", attributes: { Address: "a", Count: 3 } });
  expect(events).toEqual([
    {
      RequestType: "Create",
      ServiceToken: TOKEN,
      ResponseURL: "https://host.thaw.internal/answers/1",
      StackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
      RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      LogicalResourceId: "Thing",
      ResourceType: "Custom::Thing",
      ResourceProperties: { ServiceToken: TOKEN, Size: "5", Flags: ["true", { Deep: "" }], Text: "x" },
    },
  ]);
  expect(door.openCount).toBe(0);
});

it("an update has the old properties, and may give another physical id", async () => {
  invoke = answering({ PhysicalResourceId: "thing-2" });
  const made = await handler.update(EXISTING, { ServiceToken: TOKEN, Size: 5 }, contextOf());
  expect(made.physicalId).toBe("thing-2");
  expect(events[0]).toMatchObject({
    RequestType: "Update",
    PhysicalResourceId: "thing-1",
    OldResourceProperties: { ServiceToken: TOKEN, Size: "4" },
  });
});

it("another function can't take over", async () => {
  const properties = { ServiceToken: `${TOKEN}2` };
  await expect(handler.update(EXISTING, properties, contextOf())).rejects.toThrow("Modifying service token");
});

it("a removal need not name the thing", async () => {
  invoke = answering({ PhysicalResourceId: undefined });
  await handler.remove(EXISTING, contextOf());
  expect(events[0]).toMatchObject({ RequestType: "Delete", PhysicalResourceId: "thing-1" });
});

it("an action that is tried again has the same address and request id", async () => {
  invoke = answering({});
  await handler.create({ ServiceToken: TOKEN }, contextOf());
  await handler.create({ ServiceToken: TOKEN }, contextOf());
  await handler.create({ ServiceToken: TOKEN }, contextOf("t2"));
  expect(door.keys[0]).toBe(door.keys[1]);
  expect(door.keys[2]).not.toBe(door.keys[0]);
  expect(events[0]?.["RequestId"]).toBe(events[1]?.["RequestId"]);
});

describe("fails", () => {
  async function failure(made: Promise<unknown>): Promise<HandlerError> {
    const error = await made.then(
      () => null,
      (caught: unknown) => caught,
    );
    expect(door.openCount).toBe(0);
    if (!(error instanceof HandlerError)) throw new Error(`no HandlerError: ${String(error)}`);
    return error;
  }
  const create = (properties = {}): Promise<unknown> =>
    handler.create({ ServiceToken: TOKEN, ...properties }, contextOf());

  it("with the function's reason, and tells what it left", async () => {
    invoke = answering({ Status: "FAILED", Reason: "no room", PhysicalResourceId: "half" });
    const { message, physicalId } = await failure(create());
    expect(message).toMatch(/^Received response status \[FAILED\] from custom resource. Message returned: no room/);
    expect(physicalId).toBe("half");
  });

  it.for([
    ["x".repeat(4097), "Response object is too long."],
    ["rubbish", "no JSON object"],
    ["[]", "no JSON object"],
    ['{"Status":"SUCCESS"}', "Invalid PhysicalResourceId"],
    ['{"Status":"DONE","PhysicalResourceId":"a"}', "Status must be SUCCESS or FAILED"],
    ['{"Status":"SUCCESS","PhysicalResourceId":"a","Data":"text"}', "Data must be an object"],
  ])("for an answer such as %.30s", async ([body, wanted]) => {
    invoke = (event) => {
      door.answer(event["ResponseURL"], body as string);
      return {};
    };
    const { message, physicalId } = await failure(create());
    expect(message).toContain(wanted);
    // Its Delete is asked for all the same.
    expect(physicalId).toBe("shop-Thing-1ABC");
  });

  it("at once where the function failed", async () => {
    invoke = () => ({
      FunctionError: "Unhandled",
      Payload: Buffer.from('{"errorType":"TypeError","errorMessage":"x is not a function"}'),
    });
    const { message, physicalId } = await failure(create());
    expect(message).toContain("TypeError: x is not a function");
    expect(physicalId).toBe("shop-Thing-1ABC");
  });

  it("where the function can't be invoked, and nothing is left", async () => {
    invoke = () => {
      throw new CallError("lambda", "ResourceNotFoundException", "Function not found");
    };
    const { message, physicalId } = await failure(create());
    expect(message).toContain("Function not found");
    expect(physicalId).toBeNull();
  });

  it("after the service timeout where the function returned and nobody answers", async () => {
    const waiting = failure(create({ ServiceTimeout: "5" }));
    await settle();
    await clock.advance(5000);
    expect((await waiting).message).toMatch(/did not receive a response from your Custom Resource/);
  });

  describe("where it can't reach AWS's services", () => {
    const ASKED_AWS = "getaddrinfo ENOTFOUND ssm.eu-west-1.amazonaws.com";
    const failed = (errorMessage: string) => () => ({
      FunctionError: "Unhandled",
      Payload: Buffer.from(JSON.stringify({ errorType: "Error", errorMessage })),
    });
    const NAMING = "start the server with --allow-services maker,";

    it("before a Provider is asked, which would try for minutes; nothing is left", async () => {
      variables = { USER_ON_EVENT_FUNCTION_ARN: "arn" };
      const { message, physicalId } = await failure(create());
      expect(message).toContain(`of the CDK's Provider calls Lambda, which it can't reach: ${NAMING}`);
      expect(physicalId).toBeNull();
      expect(events).toEqual([]);
    });

    it.for(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"])("but a Provider with %s is asked", async (name) => {
      variables = { USER_ON_EVENT_FUNCTION_ARN: "arn", [name]: "http://169.254.76.2:9000" };
      invoke = answering({});
      await create();
      expect(events).toHaveLength(1);
    });

    it.for([
      [ASKED_AWS, `It asked AWS itself, where its credentials are not known: ${NAMING}`],
      ['Could not connect to the endpoint URL: "https://ssm.eu-west-1.amazonaws.com/"', "It asked AWS itself"],
      ["The security token included in the request is invalid.", "It asked AWS itself"],
      ["2026-11-30T10:00:00Z 1-2 Task timed out after 3.00 seconds", `If it waited for a service of AWS's`],
    ])("with the setting that is missing: %s", async ([error, wanted]) => {
      invoke = failed(error ?? "");
      expect((await failure(create())).message).toContain(wanted);
      invoke = answering({ Status: "FAILED", Reason: error });
      expect((await failure(create())).message).toContain(wanted);
    });

    it("and says nothing of it where that is not the matter", async () => {
      invoke = failed("connect ECONNREFUSED 10.0.0.1:5432");
      expect((await failure(create())).message).not.toContain("--allow-services");
    });

    it("where a function that is named calls one that is not", async () => {
      isNamed = true;
      variables = { USER_ON_EVENT_FUNCTION_ARN: "arn" };
      invoke = answering({ Status: "FAILED", Reason: ASKED_AWS });
      const { message } = await failure(create());
      expect(message).toContain("A function asked AWS itself");
      expect(events).toHaveLength(1);
      invoke = failed("Task timed out after 3.00 seconds");
      expect((await failure(create())).message).not.toContain("--allow-services");
    });

    it("perhaps, where it returned and nobody answers", async () => {
      const waiting = failure(create({ ServiceTimeout: "5" }));
      await settle();
      await clock.advance(5000);
      expect((await waiting).message).toContain(`If it waited for a service of AWS's, which it can't reach: ${NAMING}`);
    });
  });

  it.for(["0", "3601", "1.5", "soon"])("for the ServiceTimeout %s", async (ServiceTimeout) => {
    expect((await failure(create({ ServiceTimeout }))).message).toContain("from 1 to 3600");
  });

  it("for an SNS topic", async () => {
    const ServiceToken = "arn:aws:sns:eu-west-1:123456789012:topic";
    expect((await failure(create({ ServiceToken }))).message).toContain("SNS");
  });
});

it("a cancelled run waits no longer, and tells what the function may have made", async () => {
  const made = handler.create({ ServiceToken: TOKEN }, contextOf());
  await settle();
  stop.abort(new Error("cancelled"));
  await expect(made).rejects.toMatchObject({ message: "cancelled", physicalId: "shop-Thing-1ABC" });
  expect(door.openCount).toBe(0);
});

it("without a door there is a sentence that says what to do", async () => {
  const without = createHandlers(
    { door: null, clock, passed: NO_PASSED_SERVICES, callsServices: () => false },
    [],
  ).handlerOf("AWS::CloudFormation::CustomResource");
  await expect(without?.create({ ServiceToken: TOKEN }, contextOf())).rejects.toThrow("thaw doctor");
});
