/** How a function of each language is started with its debugger: by the runtime's own variable, on its usual port. */

interface Language {
  readonly name: string;
  /** On which its debugger listens, in the sandbox, and by default on the host. */
  readonly port: number;
  readonly variable: string;
  /** Package that the function must bring along; null: the runtime has its debugger in it. */
  readonly module: string | null;
  /** Gives the part of the variable's value. `waits`: for a debugger, before the function's code is loaded. */
  readonly option: (waits: boolean) => string;
}

/** Variable by which the server knows that there is a debugger, and where. */
const PORT_VARIABLE = "THAW_DEBUG_PORT";

const NODEJS: Language = {
  name: "Node.js",
  port: 9229,
  variable: "NODE_OPTIONS",
  module: null,
  option: (waits) => `--inspect${waits ? "-wait" : ""}=127.0.0.1:9229`,
};

/** By Thaw's own start of the client (runtimes/python), since Python has no variable of the kind. */
const PYTHON: Language = {
  name: "Python",
  port: 5678,
  variable: "THAW_DEBUGPY",
  module: "debugpy",
  option: (waits) => (waits ? "wait" : "listen"),
};

const JAVA: Language = {
  name: "Java",
  port: 5005,
  variable: "JAVA_TOOL_OPTIONS",
  module: null,
  option: (waits) => `-agentlib:jdwp=transport=dt_socket,server=y,suspend=${waits ? "y" : "n"},address=127.0.0.1:5005`,
};

/** By the beginning of the runtime's name. */
const LANGUAGES: Readonly<Record<string, Language>> = { nodejs: NODEJS, python: PYTHON, java: JAVA };

export type Variables = Readonly<Record<string, string>>;

export type { Language };

/** Null: functions of the runtime are not debugged. */
export function languageOf(runtime: string): Language | null {
  return LANGUAGES[/^[a-z]+/.exec(runtime)?.[0] ?? ""] ?? null;
}

export function namesOfLanguages(): string {
  return Object.values(LANGUAGES)
    .map(({ name }) => name)
    .join(", ");
}

/** Gives a function's variables with the debugger's; what the function has itself stays. */
export function withDebugger(variables: Variables, language: Language, waits: boolean): Variables {
  const own = withoutDebugger(variables, language);
  const before = own[language.variable];
  const option = language.option(waits);
  return {
    ...own,
    [language.variable]: before === undefined || before === "" ? option : `${before} ${option}`,
    [PORT_VARIABLE]: String(language.port),
  };
}

/** Takes the debugger's variables out again, also those that a run which was killed has left. */
export function withoutDebugger(variables: Variables, language: Language): Variables {
  const { [PORT_VARIABLE]: _port, [language.variable]: value, ...others } = variables;
  if (value === undefined) return others;
  const options = [language.option(true), language.option(false)];
  const own = value.split(" ").filter((part) => !options.includes(part));
  return own.length === 0 && value !== "" ? others : { ...others, [language.variable]: own.join(" ") };
}
