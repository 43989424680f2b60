/** Recent invocations of a function. */
import { INVOCATION_OUTCOMES } from "./outcomes.ts";
import { get } from "../api/client.ts";
import { query, setQuery } from "../location.ts";
import { InvocationTable } from "../ui/invocation-table.tsx";
import { Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";

export function InvocationsTab({ name }: { readonly name: string }) {
  const outcome = INVOCATION_OUTCOMES.find((each) => each === query.value.get("outcome"));
  const environment = query.value.get("environment") ?? "";
  const cold = query.value.get("cold") === "1";
  const wanted = { function: name, outcome, environment, ...(cold ? { cold } : {}) };
  const data = useData(`invocations ${JSON.stringify(wanted)}`, (signal) =>
    get("invocations", { query: { ...wanted, limit: 200 } as never }, signal),
  );
  return (
    <>
      <p class="filters">
        <label>
          Outcome{" "}
          <select value={outcome ?? ""} onChange={(event) => setQuery("outcome", event.currentTarget.value)}>
            <option value="">all</option>
            {INVOCATION_OUTCOMES.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>{" "}
        <label>
          <input
            type="checkbox"
            checked={cold}
            onChange={(event) => setQuery("cold", event.currentTarget.checked ? "1" : null)}
          />{" "}
          cold starts only
        </label>{" "}
        {environment !== "" && (
          <button type="button" onClick={() => setQuery("environment", null)}>
            All environments
          </button>
        )}
      </p>
      <Loaded data={data}>
        {({ invocations }) => (
          <InvocationTable caption={`Invocations of ${name}`} rows={invocations} withFunction={false} />
        )}
      </Loaded>
      <p class="muted">The last 200 of a function, since the start of the server: they are kept in memory only.</p>
    </>
  );
}
