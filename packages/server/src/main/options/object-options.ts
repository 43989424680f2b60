/** Settings of the store of objects. */
import { defaulted } from "./declaration.ts";
import { wholeNumber } from "./value-types.ts";

export const OBJECT_OPTIONS = {
  objectsMaxMib: defaulted({
    name: "objects-max-mib",
    flag: "N",
    variable: "THAW_OBJECTS_MAX_MIB",
    type: wholeNumber(1, 2 ** 24),
    default: "10240",
    unit: "MiB",
    help: "sum of all objects of the S3 API, for each account and Region; each takes 4 KiB at least",
  }),
};
