/** STS: who a caller is, and temporary credentials, which nothing keeps (ports/credential-source.ts). */
import { STS, type OperationTypes } from "@thaw/aws-api/sts";
import { PROGRAM } from "@thaw/installation";
import { type Caller, rootArn, sessionArn } from "../../model/caller.ts";
import { entityId, type RoleRecord } from "../../model/iam/records.ts";
import { mayAssume } from "../../model/iam/trust.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { AccountStores } from "../../ports/account-stores.ts";
import type { NewSession, SessionSource, TemporaryCredentials } from "../../ports/credential-source.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { checkHonoured } from "./honoured.ts";

export { STS };

export interface StsParts {
  readonly sessions: SessionSource;
  readonly accountStores: AccountStores;
}

const ROLE_ARN = /^arn:aws:iam::(\d{12}):role\/(?:[\x21-\x7e]{1,510}\/)?([\w+=,.@-]{1,64})$/;
/** AWS's default for roles, and the most that an account's own key or a chain of roles gets. */
const HOUR_S = 3600;

export function stsOperations({ sessions, accountStores }: StsParts): ServiceOperations<OperationTypes> {
  return {
    GetCallerIdentity: (_input, { caller }) => ({
      UserId: caller.userId,
      Account: caller.accountId,
      Arn: caller.principalArn,
    }),
    async AssumeRole(input, { caller }) {
      checkHonoured("AssumeRole", input);
      const { RoleArn, RoleSessionName, DurationSeconds = HOUR_S } = input;
      const [, accountId, roleName] = ROLE_ARN.exec(RoleArn) ?? [];
      if (accountId === undefined || roleName === undefined) throw invalid(`${RoleArn.slice(0, 200)} is invalid`);
      const role = await findRole(accountStores, caller, RoleArn);
      if (accountId !== caller.accountId && !isTrusted(role, caller, input.ExternalId))
        throw denied(caller, "sts:AssumeRole", RoleArn);
      if (role !== null && DurationSeconds > role.maxSessionS)
        throw invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
      if (isOfRole(caller) && DurationSeconds > HOUR_S)
        throw invalid(
          "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
      const assumed = {
        accountId,
        principalArn: sessionArn(accountId, roleName, RoleSessionName),
        userId: `${role?.uniqueId ?? sessions.roleIdOf(roleName)}:${RoleSessionName}`,
      };
      return {
        Credentials: issue(sessions, caller, assumed, DurationSeconds),
        AssumedRoleUser: { AssumedRoleId: assumed.userId, Arn: assumed.principalArn },
      };
    },
    GetSessionToken(input, { caller }) {
      checkHonoured("GetSessionToken", input);
      if (caller.isSession)
        throw new ServiceError("AccessDenied", "Cannot call GetSessionToken with session credentials");
      // An account's own key gets an hour, also where it asks for more.
      const lifetimeS = Math.min(input.DurationSeconds ?? HOUR_S, HOUR_S);
      const { accountId, userId } = caller;
      return {
        Credentials: issue(sessions, caller, { accountId, principalArn: rootArn(accountId), userId }, lifetimeS),
      };
    },
  };
}

export function insteadOfSts(operation: string): string {
  return operation === "AssumeRoleWithWebIdentity" || operation === "AssumeRoleWithSAML"
    ? "There are no identity providers: use AssumeRole with the access key of an account."
    : `Temporary credentials are had by AssumeRole and GetSessionToken, accounts by '${PROGRAM} accounts'.`;
}

/** Null where nobody has made it: in one's own account any role's ARN may be used, as for functions. */
async function findRole(stores: AccountStores, caller: Caller, arn: string): Promise<RoleRecord | null> {
  const [, accountId = "", name = ""] = ROLE_ARN.exec(arn) ?? [];
  const store = accountId === caller.accountId ? await stores.own() : await stores.find(accountId);
  const role = (await store?.getAccountEntry("iamRole", entityId(name))) ?? null;
  return role !== null && arn === `arn:aws:iam::${accountId}:role${role.path}${role.name}` ? role : null;
}

function isTrusted(role: RoleRecord | null, { accountId, principalArn }: Caller, externalId?: string): boolean {
  return role !== null && mayAssume(role.trustPolicy, { accountId, principalArn, externalId: externalId ?? null });
}

/** True for a role's session: another role that it assumes is a chain. */
function isOfRole({ isSession, principalArn, accountId }: Caller): boolean {
  return isSession && principalArn !== rootArn(accountId);
}

/** What a function gets stays a function's; the host's matters are the operator's own key's. */
function issue(
  sessions: SessionSource,
  caller: Caller,
  session: Pick<NewSession, "accountId" | "principalArn" | "userId">,
  lifetimeS: number,
): Shown {
  const kind = caller.kind === "function" ? "function" : "account";
  return present(sessions.issueSession({ ...session, kind, lifetimeMs: lifetimeS * 1000 }));
}

interface Shown {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
  readonly Expiration: Date;
}

/** Times have whole seconds. */
function present({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs }: TemporaryCredentials): Shown {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: new Date(Math.floor(expiresAtMs / 1000) * 1000),
  };
}

/** As AWS says it, also where there is no such role: nobody learns what exists elsewhere. */
function denied({ principalArn }: Caller, action: string, resource: string): ServiceError {
  return new ServiceError(
    "AccessDenied",
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource}`,
  );
}

function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
