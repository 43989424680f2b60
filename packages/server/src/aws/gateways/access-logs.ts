/** Where stages write about requests, as both versions of API Gateway take it. */
import type { AccountScope } from "../../model/function-name.ts";
import { type AccessLogRecord, FORMAT_LENGTH_MAX, namesRequest } from "../../model/gateways/access-log.ts";
import { logGroupArn } from "../../model/log-group.ts";
import { badRequest } from "./refusals.ts";

const GROUP = /^[A-Za-z0-9._/#-]{1,512}$/;

/** Null: nothing is written. Throws a BadRequestException where it can't be written so. */
export function readAccessLog(
  scope: AccountScope,
  arn: string | undefined,
  format: string | undefined,
): AccessLogRecord | null {
  if ((arn ?? "") === "" && (format ?? "") === "") return null;
  const prefix = logGroupArn(scope, "");
  const destinationArn = (arn ?? "").replace(/:\*$/, "");
  if (!destinationArn.startsWith(prefix) || !GROUP.test(destinationArn.slice(prefix.length)))
    throw badRequest(`Access logs go to a log group of this account: the ARN must be ${prefix}NAME`);
  if (format === undefined || !namesRequest(format))
    throw badRequest(
      "Access log format must be a single line that has at least $context.requestId or $context.extendedRequestId",
    );
  if (format.length > FORMAT_LENGTH_MAX || /[\r\n]/.test(format.trimEnd()))
    throw badRequest(`Access log format must be a single line of at most ${FORMAT_LENGTH_MAX} characters`);
  return { destinationArn, format: format.trimEnd() };
}

/** Throws a BadRequestException where a limit is none. A negative one is AWS's way to say that there is none. */
export function readLimit(name: string, value: number | undefined): number | null {
  if (value === undefined || value === -1) return null;
  if (!Number.isFinite(value) || value < 0) throw badRequest(`${name} must be 0 or more`);
  return value;
}
