/** What is machine-wide: CRIU, runtimes, and the data of a server that root runs. */
export const THAW_HOME = process.env["THAW_HOME"] ?? "/var/lib/thaw";
