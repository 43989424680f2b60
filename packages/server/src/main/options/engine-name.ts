/** The values of `--engine`, and a sentence for one that will come. */
import { GVISOR, GVISOR_NOT_YET } from "@thaw/installation/engines";
import { UsageError } from "./usage-error.ts";
import { oneOf } from "./value-types.ts";

const THERE = oneOf("criu", "process");

export const engineName: typeof THERE = {
  form: THERE.form,
  parse(name, text, base) {
    if (text === GVISOR) throw new UsageError(`${name} ${GVISOR}: ${GVISOR_NOT_YET}; expected criu or process`);
    return THERE.parse(name, text, base);
  },
};
