/** Test events of a function that the server keeps: those of `sam remote test-event`, for all who may log in. */
import { useState } from "preact/hooks";
import { change, get } from "../api/client.ts";
import { Act } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";

export function SavedEvents({
  name,
  event,
  isWhole,
  take,
}: {
  readonly name: string;
  readonly event: string;
  /** False while the event is no JSON: it can't be saved. */
  readonly isWhole: boolean;
  readonly take: (event: string) => void;
}) {
  const [chosen, setChosen] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const of = { function: name };
  const data = useData(`test events ${name}`, (signal) => get("test-events/{function}", { parameters: of }, signal));
  const names = data.value?.events.map((each) => each.name) ?? [];
  const open = async (wanted: string): Promise<void> => {
    setChosen(wanted);
    setProblem(null);
    if (!names.includes(wanted)) return;
    try {
      take((await get("test-events/{function}/{name}", { parameters: { ...of, name: wanted } })).event);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const save = async (): Promise<string> => {
    await change("PUT", "test-events/{function}/{name}", { ...of, name: chosen }, { event });
    data.reload();
    return `${chosen} is saved`;
  };
  const remove = async (): Promise<string> => {
    await change("POST", "test-events/{function}/{name}/delete", { ...of, name: chosen }, undefined as never);
    data.reload();
    return `${chosen} is deleted`;
  };
  return (
    <fieldset>
      <legend>Saved events</legend>
      <label>
        Saved{" "}
        <select value={names.includes(chosen) ? chosen : ""} onChange={(at) => void open(at.currentTarget.value)}>
          <option value="">{names.length === 0 ? "none" : "choose"}</option>
          {names.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>{" "}
      <label>
        Name <input value={chosen} maxLength={64} onInput={(at) => setChosen(at.currentTarget.value)} />
      </label>{" "}
      <Act label="Save" about={`the event as ${chosen}`} isOff={!isWhole || chosen === ""} run={save} />
      <Act label="Delete" about={`the event ${chosen}`} isOff={!names.includes(chosen)} run={remove} />
      <span role="alert" class="bad">
        {problem ?? data.problem}
      </span>
    </fieldset>
  );
}
