/**
 * Reads, and deletions, of what no function has yet because Thaw can't make it: event source mappings, code signing.
 * They answer as AWS does where there is none. Each goes when its operation that makes one comes. Texts: recorded
 * …TestLambdaFunction.test_ops_on_nonexisting_fn, …TestCodeSigningConfig.test_code_signing_not_found_excs.
 */
import { notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { findFunction, findVersion } from "../records/lookup.ts";
import { pageOf, type PageWish } from "../records/pages.ts";
import type { OperationsOf } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store">;

/** Operations on what is not there yet. */
export function absentOperations(services: Needs): AbsentOperations {
  return { ...ofFunctions(services), ...ofTheAccount() };
}

type OfFunctions = OperationsOf<
  "GetFunctionCodeSigningConfig" | "DeleteFunctionCodeSigningConfig" | "GetRuntimeManagementConfig"
>;
type OfTheAccount = OperationsOf<
  | "ListEventSourceMappings"
  | "GetEventSourceMapping"
  | "DeleteEventSourceMapping"
  | "ListCodeSigningConfigs"
  | "GetCodeSigningConfig"
  | "DeleteCodeSigningConfig"
  | "ListFunctionsByCodeSigningConfig"
  | "ListCapacityProviders"
>;
export type AbsentOperations = OfFunctions & OfTheAccount;

interface Named {
  readonly FunctionName: string;
  readonly Qualifier?: string;
}

const NOTHING = "The resource you requested does not exist.";

function ofFunctions(services: Needs): OfFunctions {
  const { scope } = services;
  const nameOf = (input: Named): string => parseFunctionName(scope, input.FunctionName, input.Qualifier).name;
  const withFunction = async <T>(input: Named, answer: T): Promise<T> => {
    await findFunction(services, nameOf(input));
    return answer;
  };
  return {
    // Without a configuration AWS's answer has no member, whatever the model says.
    GetFunctionCodeSigningConfig: (input) => withFunction(input, {} as never),
    DeleteFunctionCodeSigningConfig: (input) => withFunction(input, {}),
    GetRuntimeManagementConfig: async (input) => {
      const { owner, qualifier } = await findVersion(services, input.FunctionName, input.Qualifier);
      // Snapshots are refreshed when a release of the runtime is installed.
      return { UpdateRuntimeOn: "Auto", FunctionArn: functionArn(scope, owner.name, qualifier) };
    },
  };
}

function ofTheAccount(): OfTheAccount {
  const nothing = (): never => {
    throw notFound(NOTHING);
  };
  const noSigning = (input: { readonly CodeSigningConfigArn: string }): never => {
    throw notFound(`The Lambda code signing configuration ${input.CodeSigningConfigArn} can not be found.`);
  };
  return {
    ListEventSourceMappings: (input) => ({ EventSourceMappings: none(input) }),
    GetEventSourceMapping: nothing,
    DeleteEventSourceMapping: nothing,
    ListCodeSigningConfigs: (input) => ({ CodeSigningConfigs: none(input) }),
    GetCodeSigningConfig: noSigning,
    DeleteCodeSigningConfig: noSigning,
    ListFunctionsByCodeSigningConfig: noSigning,
    ListCapacityProviders: (input) => ({ CapacityProviders: none(input) }),
  };
}

/** The only page of a list of nothing; a marker that no list has given is refused. */
function none(input: PageWish): readonly never[] {
  return pageOf<never>({ list: "nothing", all: [], placeOf: () => [] }, input).items;
}
