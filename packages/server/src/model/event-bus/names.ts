/** Names and ARNs of event buses and their rules. */
import type { AccountScope } from "../function-name.ts";
import { DEFAULT_BUS } from "./record.ts";

const BUS_ARN = /^arn:aws[\w-]*:events:([\w-]+):(\d{12}):event-bus\/([/.\-_A-Za-z0-9]{1,256})$/;
const RULE_ARN =
  /^arn:aws[\w-]*:events:([\w-]+):(\d{12}):rule\/(?:([/.\-_A-Za-z0-9]{1,256})\/)?([.\-_A-Za-z0-9]{1,64})$/;

export interface BusName {
  /** Null: the caller's own. */
  readonly owner: AccountScope | null;
  readonly name: string;
}

/** Reads a name or an ARN of a bus; null: the default one. What is no ARN is a name. */
export function readBusName(text: string | null): BusName {
  const [, region = "", accountId = "", name] = BUS_ARN.exec(text ?? "") ?? [];
  if (name === undefined) return { owner: null, name: text ?? DEFAULT_BUS };
  return { owner: { accountId, region }, name };
}

export function busArn({ accountId, region }: AccountScope, name: string): string {
  return `arn:aws:events:${region}:${accountId}:event-bus/${name}`;
}

export interface RuleName {
  readonly owner: AccountScope;
  readonly bus: string;
  readonly name: string;
}

/** Null where the text is no ARN of a rule. */
export function parseRuleArn(arn: string): RuleName | null {
  const [, region = "", accountId = "", bus = DEFAULT_BUS, name] = RULE_ARN.exec(arn) ?? [];
  return name === undefined ? null : { owner: { accountId, region }, bus, name };
}

export function ruleArn({ accountId, region }: AccountScope, bus: string, name: string): string {
  return `arn:aws:events:${region}:${accountId}:rule/${bus === DEFAULT_BUS ? "" : `${bus}/`}${name}`;
}
