/**
 * The environment variables that are no setting of `thaw serve` (those are in
 * packages/server/src/main/options/table.ts), by the part that reads them. docs/reference/configuration.md is made from
 * both tables; a test holds the sources against them.
 */
export interface VariableGroup {
  readonly title: string;
  readonly variables: Readonly<Record<string, string>>;
}

export const OTHER_VARIABLES: readonly VariableGroup[] = [
  {
    title: "The command line",
    variables: {
      THAW_ENDPOINT: "URL of the server; without it the command line looks for a server on this host",
      THAW_DATA: "data directory of the server, when several run on this host; also a setting of the server",
      THAW_REGION:
        "region of signatures and of `thaw deploy`, instead of the one that the server on this host has; also a setting of the server",
      THAW_ACCESS_KEY_ID: "key id that requests are signed with, instead of those in the data directory",
      THAW_SECRET_ACCESS_KEY: "secret key of THAW_ACCESS_KEY_ID; keys and profiles for AWS are never used",
      THAW_ACCOUNT: "account of the server on this host that commands act as, instead of its own (`--account`)",
    },
  },
  {
    title: "Where an installation's parts are",
    variables: {
      THAW_HOME: "machine-wide directory: CRIU, runtimes, data of a server that root runs (/var/lib/thaw)",
      THAW_BINARIES: "directory of thaw-sandboxd, thaw-supervisor and thaw-pager (target/… of the checkout)",
      THAW_CLIENTS: "directory of the runtimes' clients (runtimes/dist of the checkout)",
      THAW_CRIU: "the CRIU program (THAW_HOME/criu/criu)",
      THAW_PAGER: "the pager program, when it is not the one in THAW_BINARIES",
      THAW_PARENT_PID: "set by the command itself under npx: the process whose end is its own",
      THAW_PROGRAMS:
        "`sources`: command line and server are started from their sources, also where they are bundled (dist)",
      THAW_PROGRAM: "name of the program in messages (npx thaw; the package's command says thaw)",
    },
  },
  {
    title: "AWS's and OpenTelemetry's own",
    variables: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector of traces (OTLP over HTTP, JSON), to which v1/traces is added",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "the whole URL for traces; wins over the general one",
      OTEL_EXPORTER_OTLP_HEADERS: "headers NAME=VALUE, separated by commas, for the collector",
      OTEL_SERVICE_NAME: "service name in traces (thaw)",
      AWS_ENDPOINT_URL_S3: "fallback of THAW_S3_ENDPOINT",
      AWS_ENDPOINT_URL: "fallback of AWS_ENDPOINT_URL_S3",
      AWS_REGION:
        "fallback of the regions of the snapshot store and of the keys; `thaw deploy` and signatures of the command line",
      AWS_DEFAULT_REGION: "fallback of AWS_REGION",
    },
  },
  {
    title: "Functions",
    variables: {
      THAW_DEBUG_PORT:
        "of a function's own variables, set by `thaw dev --debug`: the port on which its debugger listens (docs/guides/dev.md)",
      THAW_DEBUGPY:
        "likewise, for Python: `wait` lets debugpy listen and waits for a debugger before the function is loaded, `listen` does not wait",
      THAW_RESEED_SKIP:
        "of a function's own variables: generators that are not renewed after a restore, separated by commas (uniqueness.md)",
    },
  },
  {
    title: "Between Thaw's own processes",
    variables: {
      THAW_LISTEN_FD: "set by the launcher: the listening socket is this descriptor",
      THAW_HOST_READY_FD: "set by the launcher: over this descriptor the server hears that sandboxd is ready",
      THAW_INSTALLER_FD: "set by the launcher: over this descriptor the server asks it for runtimes",
      THAW_COMPANION_STARTED: "set by the launcher: the service of `--companion` answers",
      THAW_SANDBOXD: "sandboxd's socket, for a server that root did not start (/run/thaw/sandboxd.sock)",
    },
  },
  {
    title: "Tests",
    variables: {
      THAW_FAULTS: "fault points to fire, in builds that have them",
      THAW_BENCH_MEMORY: "stock CRIU's way of restoring memory, in builds that have it: stock-eager or stock-lazy",
      THAW_WITHOUT:
        "capabilities that sandboxd's programs do without, in builds that have it, as dump:21,restore:24: to measure which of them are needed",
      THAW_BENCH_BASE: "directory with the programs of another build, beside which the bench of /tmp measures",
      THAW_SCALE: "functions and snapshots of the large server of `npm run bench -- scale` (5000,200)",
      THAW_FAULT_MATRIX: "part of the fault matrix to run",
      THAW_DEV_SAVES: "saves of the test that looks for what `thaw dev` leaves behind (30)",
      THAW_CRASH_ROUNDS: "rounds of the crash-safety test",
      THAW_CRASH_SEED: "seed of the crash-safety test",
      THAW_TEST_RUNTIMES: "runtimes that the uniqueness test takes",
      THAW_WRITE_VECTORS: "the vectors of the snapshot format are written anew",
    },
  },
];
