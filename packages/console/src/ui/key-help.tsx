/** The list of keys, which `?` opens, and a button for those who do not know of it. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { GO_KEYS, hasKeys, turnKeys } from "../keys.ts";

export const isHelpOpen = signal(false);

/** `isOperator`: others have no view of the host. */
export function KeyHelp({ isOperator }: { readonly isOperator: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const keys = GO_KEYS.filter((each) => !each.isOperators || isOperator);
  return (
    <dialog ref={dialog} aria-labelledby="keys" onClose={() => (isHelpOpen.value = false)}>
      <h2 id="keys">Keys</h2>
      <dl class="facts keys">
        <Key keys={["/"]} does="To the filter of the page" />
        {keys.map(({ key, label }) => (
          <Key key={key} keys={["g", key]} does={`To ${label}`} />
        ))}
        <Key keys={["?"]} does="This list" />
        <Key keys={["Esc"]} does="Closes it" />
      </dl>
      <p>
        <label>
          <input
            type="checkbox"
            checked={hasKeys.value}
            onChange={({ currentTarget }) => turnKeys(currentTarget.checked)}
          />{" "}
          These keys work in this browser
        </label>
      </p>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

function Key({ keys, does }: { readonly keys: readonly string[]; readonly does: string }) {
  return (
    <div>
      <dt>
        {keys.map((each, at) => (
          <>
            {at > 0 && " "}
            <kbd>{each}</kbd>
          </>
        ))}
      </dt>
      <dd>{does}</dd>
    </div>
  );
}
