/** The frame around all views: navigation, the login, and what is wrong with the connection. */
import type { ComponentChildren } from "preact";
import { isConnected, isOutdated } from "./api/client.ts";
import { loginProblem, logOut, type Session, session } from "./api/session.ts";
import { route } from "./location.ts";
import { pathOf, type Route } from "./route.ts";
import { isHelpOpen, KeyHelp } from "./ui/key-help.tsx";
import { Copy, Heading } from "./ui/parts.tsx";
import { EnvironmentsView } from "./views/environments.tsx";
import { FunctionView } from "./views/function.tsx";
import { InvocationView } from "./views/invocation.tsx";
import { HostView } from "./views/host.tsx";
import { OverviewView } from "./views/overview.tsx";
import { LogsView } from "./views/all-logs.tsx";
import { StacksView, StackView } from "./views/stacks.tsx";
import { SnapshotsView } from "./views/snapshots.tsx";

const LINKS = [
  { label: "Overview", view: "overview", isOperators: false },
  { label: "Logs", view: "logs", isOperators: false },
  { label: "Environments", view: "environments", isOperators: false },
  { label: "Deployments", view: "stacks", isOperators: false },
  { label: "Snapshots", view: "snapshots", isOperators: false },
  { label: "Host", view: "host", isOperators: true },
] as const;

export function App({ isWaiting }: { readonly isWaiting: boolean }) {
  const login = session.value;
  return (
    <>
      <a class="skip" href="#title" onClick={skip}>
        Skip to the content
      </a>
      <Banner />
      {login !== null && <Bar login={login} />}
      {login !== null && <KeyHelp isOperator={login.isOperator} />}
      <main id="main">{isWaiting ? <p>The server does not answer yet.</p> : <Content login={login} />}</main>
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("title")?.focus();
}

function Content({ login }: { readonly login: Session | null }) {
  if (login === null) return <Login />;
  return <View route={route.value} login={login} />;
}

function View({ route: at, login }: { readonly route: Route; readonly login: Session }): ComponentChildren {
  const isAdmin = login.role === "admin";
  switch (at.view) {
    case "overview":
      return <OverviewView endpoint={location.origin} isOperator={login.isOperator} />;
    case "function":
      return <FunctionView key={at.name} name={at.name} tab={at.tab} isAdmin={isAdmin} />;
    case "invocation":
      return <InvocationView key={at.requestId} requestId={at.requestId} isAdmin={isAdmin} />;
    case "logs":
      return <LogsView />;
    case "stacks":
      return <StacksView />;
    case "stack":
      return <StackView key={at.name} name={at.name} isAdmin={isAdmin} />;
    case "environments":
      return <EnvironmentsView isAdmin={isAdmin} />;
    case "snapshots":
      return <SnapshotsView />;
    case "host":
      return <HostView isOperator={login.isOperator} />;
    case "nowhere":
      return (
        <>
          <Heading title="Nothing here" />
          <p>
            The console has no page at this address. <a href={pathOf({ view: "overview" })}>Go to the overview.</a>
          </p>
        </>
      );
  }
}

function Bar({ login }: { readonly login: Session }) {
  const at = route.value;
  return (
    <header class="bar">
      <span class="brand">Thaw</span>
      <nav aria-label="Console">
        {LINKS.filter((link) => !link.isOperators || login.isOperator).map(({ label, view }) => (
          <a
            key={view}
            href={pathOf({ view })}
            aria-current={
              at.view === view || (view === "overview" && (at.view === "function" || at.view === "invocation"))
                ? "page"
                : undefined
            }
          >
            {label}
          </a>
        ))}
      </nav>
      <span class="who">
        {login.accountId} · {login.region} · {login.role === "read" ? "read-only" : "admin"}{" "}
        <button type="button" onClick={() => (isHelpOpen.value = true)}>
          Keys
        </button>{" "}
        <button type="button" onClick={() => logOut(null)}>
          Log out
        </button>
      </span>
    </header>
  );
}

function Banner() {
  return (
    <div role="status" aria-live="polite">
      {!isConnected.value && <p class="banner">The server does not answer. The page goes on when it is back.</p>}
      {isOutdated.value && (
        <p class="banner">
          The server has another version of this page.{" "}
          <button type="button" onClick={() => location.reload()}>
            Load it
          </button>
        </p>
      )}
    </div>
  );
}

function Login() {
  return (
    <>
      <Heading title="Log in" />
      {loginProblem.value !== null && (
        <p class="problem" role="alert">
          {loginProblem.value}
        </p>
      )}
      <p>Run this where the command line reaches the server, and open the address that it gives:</p>
      <p>
        <Copy text="thaw console" />
      </p>
      <p class="muted">
        With <code>--read-only</code> the login sees everything but values of environment variables, and changes
        nothing. From a checkout the command is <code>npx thaw console</code>.
      </p>
    </>
  );
}
