/** Members of STS's requests that are carried out. Any other is refused by name: nothing is taken and ignored. */
import { ServiceError } from "../../model/service-error.ts";

/** An id that trust policies ask for may be there: as on AWS, it does no harm where none asks. */
const HONOURED = {
  AssumeRole: ["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"],
  GetSessionToken: ["DurationSeconds"],
} as const;

const NO_POLICIES = "policies are not enforced, so that a session could do more than this says";
const NO_DEVICES = "there are no MFA devices";

const WHY: Readonly<Record<string, string>> = {
  Policy: NO_POLICIES,
  PolicyArns: NO_POLICIES,
  Tags: "no policy asks for the tags of a session",
  TransitiveTagKeys: "no policy asks for the tags of a session",
  SourceIdentity: "there is no trail that would show it",
  SerialNumber: NO_DEVICES,
  TokenCode: NO_DEVICES,
  ProvidedContexts: "there are no context providers",
};

/** Throws a ValidationError where a request asks for something that would have no effect. */
export function checkHonoured(operation: keyof typeof HONOURED, input: object): void {
  const honoured: readonly string[] = HONOURED[operation];
  for (const [name, value] of Object.entries(input) as ReadonlyArray<[string, unknown]>) {
    if (honoured.includes(name) || (Array.isArray(value) && value.length === 0)) continue;
    throw new ServiceError(
      "ValidationException",
      `Thaw does not have ${name}: ${WHY[name] ?? "it would have no effect"}. Leave it out of ${operation}.`,
    );
  }
}
