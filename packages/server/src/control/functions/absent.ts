/**
 * Lists of what Thaw can't make: they answer as AWS does where there is none. Each goes when its operation that makes
 * one comes.
 */
import { pageOf } from "../records/pages.ts";
import type { OperationsOf } from "../operations.ts";

/** Operations on what is not there yet. */
export function absentOperations(): OperationsOf<"ListCapacityProviders"> {
  return {
    // A marker that no list has given is refused.
    ListCapacityProviders: (input) => ({
      CapacityProviders: pageOf<never>({ list: "nothing", all: [], placeOf: () => [] }, input).items,
    }),
  };
}
