/** The events themselves, in the shapes that AWS's services send: a chunk of its own. */
import { DATA } from "./data.ts";
import { MESSAGES } from "./messages.ts";
import type { Place, Sample, SampleName } from "./names.ts";
import { SERVICES } from "./services.ts";
import { WEB } from "./web.ts";

const SAMPLES: Readonly<Record<SampleName, Sample>> = {
  Empty: () => ({}),
  ...WEB,
  ...MESSAGES,
  ...DATA,
  ...SERVICES,
};

/** The text of an event, for the field. */
export async function sampleOf(name: SampleName, place: Place): Promise<string> {
  return JSON.stringify(await SAMPLES[name](place), null, 2);
}
