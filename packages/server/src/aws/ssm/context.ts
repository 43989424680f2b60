/** What all operations about parameters share: the store, names, and AWS's refusals. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { ParameterRecord, ParameterVersionInfo } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { KeyProvider } from "../../ports/key-provider.ts";
import type { MetadataStore, Stored } from "../../ports/metadata-store.ts";
import { measureGrown } from "../entries.ts";

export interface SsmParts {
  readonly scope: AccountScope;
  readonly store: EntryStore & Pick<MetadataStore, "listAccountEntriesAfter" | "measureAccountEntries">;
  /** Wraps the keys of secure values. */
  readonly keys: KeyProvider;
  readonly clock: Clock;
  readonly random: Random;
}

/** AWS's quotas of an account in a Region (https://docs.aws.amazon.com/general/latest/gr/ssm.html). */
const PARAMETERS_MAX = 10_000;
/** All values of an account in a Region together, and all that is said of them: AWS has no such quota. */
const BYTES_MAX = 256 * 1024 * 1024;
/** So much a value counts at least, so that their number is limited with it. */
const VALUE_BYTES_MIN = 1024;
export const VERSIONS_MAX = 100;
export const LABELS_MAX = 10;
const LEVELS_MAX = 15;
const NAME_LENGTH_MAX = 1011;
const NAME = /^[A-Za-z0-9_.\-/]+$/;

/** Throws where a record that grows has no room, or another parameter. */
export async function checkRoom(
  { store }: SsmParts,
  kind: "ssmParameter" | "ssmParameterValue",
  before: object | null,
  after: object,
): Promise<void> {
  const grown = await measureGrown(store, kind, before, after);
  if (grown === null) return;
  if (kind === "ssmParameter" && before === null && grown.count > PARAMETERS_MAX)
    throw limitExceeded(`An account has at most ${PARAMETERS_MAX} parameters in a Region.`);
  const least = kind === "ssmParameter" ? 0 : grown.count * VALUE_BYTES_MIN;
  if (Math.max(grown.sizeBytes, least) > BYTES_MAX)
    throw limitExceeded(
      `All parameters of an account in a Region have at most ${BYTES_MAX} bytes together, with their older versions: ` +
        "delete some that nobody reads.",
    );
}

function limitExceeded(message: string): ServiceError {
  return new ServiceError("ParameterLimitExceeded", message);
}

/** A parameter as a request names it. */
export interface NamedParameter {
  readonly name: string;
  /** A version or a label behind the name, with its colon; empty: the newest version. */
  readonly selector: string;
}

/** Reads a name or an ARN, with a version or a label behind it. */
export function readName({ scope }: SsmParts, given: string): NamedParameter {
  const prefix = `arn:aws:ssm:${scope.region}:${scope.accountId}:parameter`;
  if (given.startsWith("arn:") && !given.startsWith(`${prefix}/`)) throw notFound(given);
  const text = given.startsWith("arn:") ? given.slice(prefix.length) : given;
  const colon = text.indexOf(":");
  const whole = colon === -1 ? text : text.slice(0, colon);
  // The slash behind `parameter` belongs to the name where that is a path.
  const name = given.startsWith("arn:") && whole.lastIndexOf("/") === 0 ? whole.slice(1) : whole;
  return { name, selector: colon === -1 ? "" : text.slice(colon) };
}

export function arnOf({ scope }: SsmParts, name: string): string {
  return `arn:aws:ssm:${scope.region}:${scope.accountId}:parameter${name.startsWith("/") ? "" : "/"}${name}`;
}

/** Throws where a parameter can't be called so. */
export function checkNewName(name: string): void {
  if (/^\/?(?:aws|ssm)/i.test(name)) {
    if (/^\/?aws/i.test(name))
      throw new ServiceError("AccessDeniedException", `No access to reserved parameter name: ${name.slice(0, 200)}.`);
    throw invalid(`Parameter name: can't be prefixed with "ssm" (case-insensitive). ${FORM}`);
  }
  if (name.includes("/") && !name.startsWith("/")) throw invalid("Parameter name must be a fully qualified name.");
  if (!NAME.test(name) || name.endsWith("/") || name.includes("//")) throw invalid(`Parameter name: ${FORM}`);
  if (name.length > NAME_LENGTH_MAX) throw invalid(`A parameter's name has at most ${NAME_LENGTH_MAX} characters.`);
  if (name.split("/").length - 1 > LEVELS_MAX)
    throw new ServiceError(
      "HierarchyLevelLimitExceededException",
      `A hierarchy can have at most ${LEVELS_MAX} levels: ${name.slice(0, 200)}`,
    );
}

const FORM =
  "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of " +
  "letters, numbers and the following 3 symbols .-_";

export async function findParameter(
  { store }: Pick<SsmParts, "store">,
  name: string,
): Promise<Stored<ParameterRecord>> {
  const found = await store.getAccountEntry("ssmParameter", name);
  if (found === null) throw notFound(name);
  return found;
}

/** The version that a selector means. */
export function findVersion(parameter: ParameterRecord, selector: string): ParameterVersionInfo {
  const wanted = selector === "" ? String(parameter.version) : selector.slice(1);
  const found = parameter.versions.find(({ version, labels }) => String(version) === wanted || labels.includes(wanted));
  if (found !== undefined) return found;
  throw new ServiceError(
    "ParameterVersionNotFound",
    /^\d+$/.test(wanted)
      ? `Systems Manager could not find version ${wanted} of ${parameter.id}. Verify the version and try again.`
      : `Systems Manager could not find label ${wanted.slice(0, 100)} of ${parameter.id}. Verify the label and try again.`,
  );
}

/** AWS says no more than the error's name; of its own parameters there is something to be said. */
export function notFound(name: string): ServiceError {
  return new ServiceError(
    "ParameterNotFound",
    /^(?:arn:aws:ssm:[^:]*::parameter)?\/aws\//.test(name)
      ? `Thaw does not have AWS's public parameters: put what ${name.slice(0, 200)} says into one of your own.`
      : "",
  );
}

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
