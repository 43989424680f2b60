/** Log groups as they are told apart: by their ARNs, which have the account and the Region in them. */
import type { AccountScope } from "./function-name.ts";

/** Names a group as AWS does. All parts that keep or look for log events do so by this name. */
export function logGroupArn({ accountId, region }: AccountScope, name: string): string {
  return `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
}

export function logGroupName(arn: string): string {
  return arn.split(":").slice(6).join(":");
}

/** The group of a function where its configuration names no other. */
export function defaultLogGroup(functionName: string): string {
  return `/aws/lambda/${functionName}`;
}

/** The account and the Region of a function, out of its ARN. */
export function scopeOfFunction(functionArn: string): AccountScope {
  const [, , , region = "", accountId = ""] = functionArn.split(":");
  return { region, accountId };
}
