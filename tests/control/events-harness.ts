/** EventBridge over a control plane on the fake engine, whose clock a test moves; its functions note their events. */
import { EventBridgeClient, type PutRuleCommand } from "@aws-sdk/client-eventbridge";
import { systemRandom } from "@thaw/server/testing/base";
import { eventsOperations, schedulerOperations } from "@thaw/server/testing/http";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";

export const ACCOUNT = "000000000000";
export const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:`;
export const RULE_ARN = `arn:aws:events:${REGION}:${ACCOUNT}:rule/`;

/** An event that a function got. */
export type Seen = Readonly<Record<string, unknown>>;

export interface Noted {
  readonly seen: Seen[];
  readonly functions: ControlHarnessOptions["functions"];
}

/** Functions of which `note` keeps its events. */
export function noting(): Noted {
  const seen: Seen[] = [];
  const note = {
    handle: (_process: unknown, { payload }: { readonly payload: string }): string => {
      seen.push(JSON.parse(payload) as Seen);
      return "null";
    },
  };
  return { seen, functions: { note } };
}

/** Lets EventBridge call a function, or one of its qualifiers, for all rules. */
export async function allow(harness: ControlHarness, name: string, more: Record<string, string> = {}): Promise<void> {
  await harness.call("AddPermission", {
    FunctionName: name,
    StatementId: "events",
    Action: "lambda:InvokeFunction",
    Principal: "events.amazonaws.com",
    SourceArn: `${RULE_ARN}*`,
    ...more,
  });
}

type Asked<T> = Readonly<Record<string, (input: object) => Promise<T>>>;

/** Asks an operation of EventBridge by the harness's own clock. Rejects with a ServiceError. */
export function ask<T = Record<string, unknown>>(
  harness: ControlHarness,
  operation: string,
  input: object,
): Promise<T> {
  const { buses, scope } = harness.control;
  const parts = { scope, buses, store: harness.store, clock: harness.clock, random: systemRandom };
  return run(harness, eventsOperations(parts) as Asked<T>, operation, input);
}

/** As `ask`, of EventBridge Scheduler. */
export function askScheduler<T = Record<string, unknown>>(
  harness: ControlHarness,
  operation: string,
  input: object,
): Promise<T> {
  const { schedules, scope } = harness.control;
  const parts = { scope, schedules, store: harness.store, clock: harness.clock };
  return run(harness, schedulerOperations(parts) as Asked<T>, operation, input);
}

async function run<T>(harness: ControlHarness, operations: Asked<T>, name: string, input: object): Promise<T> {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`no operation ${name}`);
  return harness.orDeath(operation(input));
}

export function eventsClient(http: HttpHarness): EventBridgeClient {
  return new EventBridgeClient({
    endpoint: `http://${http.host}`,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
}

/** The error of a command, or that it is done. */
export function refusalOf(client: EventBridgeClient, command: object): Promise<string> {
  return client.send(command as PutRuleCommand).then(
    () => "done",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}
