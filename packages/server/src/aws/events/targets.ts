/** PutTargets and its family: functions, which are all that a rule calls here. */
import type * as types from "@thaw/aws-api/events";
import { parseTarget } from "../../model/destination.ts";
import { parseJsonPath } from "../../model/event-bus/json-path.ts";
import type { EventRuleRecord, EventTargetRecord, TargetInput } from "../../model/event-bus/record.ts";
import { templateProblem } from "../../model/event-bus/target-input.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { invalid, type StoredEvents, tooMany } from "./stored-events.ts";

/** AWS's quota of a rule. */
const TARGETS_MAX = 5;
const FUNCTION =
  /^arn:aws[\w-]*:lambda:([\w-]+):(\d{12}):function:[a-zA-Z0-9-_]{1,140}(?::(?:\$LATEST|[a-zA-Z0-9-_]{1,128}))?$/;
const ARN = /^arn:[^:]+:([^:]+):[^:]*:[^:]*:.+$/;

export function targetOperations(stored: StoredEvents): ServiceOperations<types.OperationTypes> {
  return {
    async PutTargets({ Rule, EventBusName, Targets }) {
      const bus = await stored.busName(EventBusName);
      const given = Targets.map((target) => readTarget(stored.parts.scope, target));
      if (new Set(given.map(({ id }) => id)).size < given.length)
        throw invalid("Parameter Targets is not valid. Reason: Ids must be unique.");
      await stored.changeRule(bus, Rule, (rule) => withTargets(rule, given));
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    async RemoveTargets({ Rule, EventBusName, Ids }) {
      const bus = await stored.busName(EventBusName);
      const before = await stored.findRule(bus, Rule);
      await stored.changeRule(bus, Rule, (rule) => ({
        ...rule,
        targets: rule.targets.filter(({ id }) => !Ids.includes(id)),
      }));
      const missing = Ids.filter((id) => !before.targets.some((target) => target.id === id));
      const FailedEntries = missing.map((TargetId) => ({
        TargetId,
        ErrorCode: "ResourceNotFoundException",
        ErrorMessage: `Rule '${Rule}' does not have a target with the Id '${TargetId}'.`,
      }));
      return { FailedEntryCount: missing.length, FailedEntries };
    },
    async ListTargetsByRule({ Rule, EventBusName, ...wish }) {
      const { targets } = await stored.findRule(await stored.busName(EventBusName), Rule);
      const { items, rest } = pageOf(targets, ({ id }) => id, wish);
      return { Targets: items.map(present), ...rest };
    },
  };
}

function withTargets(rule: EventRuleRecord, given: readonly EventTargetRecord[]): EventRuleRecord {
  const kept = rule.targets.filter(({ id }) => !given.some((target) => target.id === id));
  const targets = [...kept, ...given];
  if (targets.length > TARGETS_MAX) throw tooMany();
  return { ...rule, targets };
}

function readTarget(scope: AccountScope, target: types.Target): EventTargetRecord {
  const { Id: id, Arn: arn, RoleArn, RetryPolicy, DeadLetterConfig } = target;
  checkArn(scope, id, arn);
  checkHonoured("Target", target);
  const deadLetterArn = DeadLetterConfig?.Arn ?? null;
  if (deadLetterArn !== null && parseTarget(deadLetterArn)?.service !== "sqs")
    throw invalid(`Parameter ${deadLetterArn} is not valid. Reason: a dead-letter queue is a standard SQS queue.`);
  const { MaximumRetryAttempts: attempts = null, MaximumEventAgeInSeconds: ageS = null } = RetryPolicy ?? {};
  return {
    id,
    arn,
    roleArn: RoleArn ?? null,
    input: readInput(target),
    retry: RetryPolicy === undefined ? null : { attempts, ageS },
    deadLetterArn,
  };
}

function checkArn({ accountId, region }: AccountScope, id: string, arn: string): void {
  const service = ARN.exec(arn)?.[1];
  if (service === undefined)
    throw invalid(`Parameter ${arn} is not valid. Reason: Provided Arn is not in correct format.`);
  if (service !== "lambda")
    throw invalid(
      `Target ${id} is not supported by Thaw: rules call functions, and not ${service}. Name a function that calls it.`,
    );
  const [, ofRegion, ofAccount] = FUNCTION.exec(arn) ?? [];
  if (ofRegion === undefined)
    throw invalid(`Parameter ${arn} is not valid. Reason: Provided Arn is not in correct format.`);
  if (ofAccount !== accountId || ofRegion !== region)
    throw invalid(`Target ${id} is not supported by Thaw: a rule calls functions of its own account and Region.`);
}

function readInput({ Id, Input, InputPath, InputTransformer }: types.Target): TargetInput {
  if ([Input, InputPath, InputTransformer].filter((each) => each !== undefined).length > 1)
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`);
  if (Input !== undefined) {
    const problem = jsonProblem(Input);
    if (problem !== null) throw invalid(`JSON syntax error in input for target ${Id}: ${problem}`);
    return { kind: "constant", json: Input };
  }
  if (InputPath !== undefined) {
    if (parseJsonPath(InputPath) === null) throw invalid(`Invalid InputPath for target ${Id}.`);
    return { kind: "path", path: InputPath };
  }
  return InputTransformer === undefined ? { kind: "whole" } : readTransformer(Id, InputTransformer);
}

function readTransformer(id: string, { InputPathsMap = {}, InputTemplate }: types.InputTransformer): TargetInput {
  for (const [name, path] of Object.entries(InputPathsMap)) {
    if (name.startsWith("aws.")) throw invalid(`Invalid InputPathsMap for target ${id}: ${name} is a reserved name.`);
    if (parseJsonPath(path) === null) throw invalid(`Invalid InputPathsMap for target ${id}: ${path} is no path.`);
  }
  const problem = templateProblem(InputTemplate);
  if (problem !== null) throw invalid(`Invalid InputTemplate for target ${id} : [${problem}].`);
  return { kind: "template", paths: InputPathsMap, template: InputTemplate };
}

function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function present({ id, arn, roleArn, input, retry, deadLetterArn }: EventTargetRecord): types.Target {
  return {
    Id: id,
    Arn: arn,
    ...(roleArn === null ? {} : { RoleArn: roleArn }),
    ...presentInput(input),
    ...(deadLetterArn === null ? {} : { DeadLetterConfig: { Arn: deadLetterArn } }),
    ...(retry === null ? {} : { RetryPolicy: presentRetry(retry) }),
  };
}

function presentInput(input: TargetInput): Partial<types.Target> {
  switch (input.kind) {
    case "whole":
      return {};
    case "constant":
      return { Input: input.json };
    case "path":
      return { InputPath: input.path };
    case "template": {
      const { paths, template } = input;
      const given = Object.keys(paths).length === 0 ? {} : { InputPathsMap: paths };
      return { InputTransformer: { ...given, InputTemplate: template } };
    }
  }
}

function presentRetry({ attempts, ageS }: NonNullable<EventTargetRecord["retry"]>): types.RetryPolicy {
  return {
    ...(attempts === null ? {} : { MaximumRetryAttempts: attempts }),
    ...(ageS === null ? {} : { MaximumEventAgeInSeconds: ageS }),
  };
}
