/** Brings runtimes to this host that it lacks. Implemented in main/runtime-installer.ts: the server itself may not. */
export interface RuntimeInstaller {
  /** Whether `install` would try. */
  canInstall(runtime: string): boolean;
  /**
   * Installs a runtime, or waits for an install of it that is under way. Null when it is done; else what went wrong, in
   * words. Rejects where nobody is left who could install it.
   */
  install(runtime: string): Promise<string | null>;
}
