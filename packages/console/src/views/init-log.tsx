/** What was logged while a version's snapshot was made: a version that has none has no other lines. */
import { get } from "../api/client.ts";
import { Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { EventLines } from "./request-log.tsx";

/** Events that are shown, the newest. */
const LIMIT = 200;

export function InitLog({
  name,
  version,
  close,
}: {
  readonly name: string;
  readonly version: string;
  readonly close: () => void;
}) {
  const full = `${name}:${version}`;
  const data = useData(`init log ${full}`, (signal) =>
    get("log-events", { query: { function: full, limit: LIMIT } }, signal),
  );
  return (
    <section aria-label={`Init log of ${full}`}>
      <h2>Init log of {full}</h2>
      <button type="button" onClick={close}>
        Close
      </button>
      <Loaded data={data}>
        {({ events }) =>
          events.length === 0 ? (
            <p class="muted">No line of this version is kept.</p>
          ) : (
            <pre tabIndex={0} role="region" aria-label={`Newest lines of ${full}`}>
              {events.map((event) => (
                <EventLines key={event.sequence} event={event} />
              ))}
            </pre>
          )
        }
      </Loaded>
    </section>
  );
}
