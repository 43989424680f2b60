/**
 * What the launcher starts (crates/sandboxd/src/launcher/plan.rs): in a file of root's alone, which it removes when it
 * has read it.
 */

export interface LaunchPlan {
  /** Null: standard input is the listening socket already. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** Directory of this launch; goes when it ends. */
  readonly runDir: string;
  /** Null: nothing is left to Node.js as root. */
  readonly helper: LaunchedProgram | null;
  /** Its variables are the launcher's own. */
  readonly sandboxd: readonly string[];
  readonly server: LaunchedProgram;
  /** What the launcher becomes when all is renewed. */
  readonly again: readonly string[];
  /** Command that looks for what keeps sandboxd from its start. */
  readonly doctor: string;
}

export interface LaunchedProgram {
  readonly command: readonly string[];
  /** All of them. */
  readonly variables: Readonly<Record<string, string>>;
}
