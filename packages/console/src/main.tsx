/** The page: logs in, then shows the view that the address names. */
import { render } from "preact";
import { logIn } from "./api/client.ts";
import { session, takeCode } from "./api/session.ts";
import { go, watchLocation } from "./location.ts";
import { watchKeys } from "./keys.ts";
import { pathOf } from "./route.ts";
import { isHelpOpen } from "./ui/key-help.tsx";
import { App } from "./app.tsx";

const RETRY_MS = 2000;

// Before anything else: the code is then in no history and on no screen.
const code = takeCode();
const place = document.getElementById("app");
if (place === null) throw new Error("the page has no place for the console");
watchLocation();
watchKeys({
  go: ({ view, isOperators }) => {
    const login = session.value;
    if (login !== null && (!isOperators || login.isOperator)) go(pathOf({ view }));
  },
  help: () => (isHelpOpen.value = session.value !== null),
});

/** A server that does not answer yet may do so soon: the token stays. */
async function begin(root: HTMLElement): Promise<void> {
  let left = code;
  for (;;) {
    try {
      await logIn(left);
      break;
    } catch {
      left = null;
      render(<App isWaiting />, root);
      await new Promise<void>((next) => setTimeout(next, RETRY_MS));
    }
  }
  render(<App isWaiting={false} />, root);
}

void begin(place);
