/** What the listener is given of the web console. */
import type { ConsoleLogins, ConsoleSession } from "../../../ports/console-logins.ts";

/** A file of the console, as it is sent. */
export interface ConsoleAsset {
  readonly contentType: string;
  /** Quoted, as in the header. */
  readonly etag: string;
  /** True where the name has a digest of the content. */
  readonly isImmutable: boolean;
  readonly bytes: Buffer;
  readonly encoded: Readonly<Record<"br" | "gzip", Buffer | null>>;
}

export interface ConsoleAssets {
  /** Differs for each build. */
  readonly build: string;
  /** By path below the prefix; `index.html` is there. */
  readonly files: ReadonlyMap<string, ConsoleAsset>;
}

/** Something that was done with a token of role `admin`, for the server's log. */
export interface ConsoleAct {
  readonly session: ConsoleSession;
  readonly operation: string;
  readonly path: string;
}

export interface ConsoleOptions {
  /** `insecure`: on connections from other hosts without TLS, too. */
  readonly mode: "on" | "off" | "insecure";
  readonly logins: ConsoleLogins;
  /** Null: it is not built. */
  readonly assets: ConsoleAssets | null;
  /** Command that builds it. */
  readonly buildCommand: string;
  readonly version: string;
  /** Names of hosts, lower case and without ports, that browsers may use besides those of this host itself. */
  readonly hostNames: readonly string[];
  readonly onAct: (act: ConsoleAct) => void;
}
