/**
 * The command line of the official Java client.
 *
 * A small image restores fast: the heap starts small and shrinks after the collection before the snapshot, and the CDS
 * archive stays where it was built, so that its pages stay clean. Only the C1 compiler, as AWS has it for SnapStart
 * functions.
 */
export interface JavaOptions {
  readonly home: string;
  readonly major: number;
  readonly memorySizeMib: number;
  readonly snapStart: boolean;
}

/**
 * Packages opened to the client (runtimes/java): they hold the generators that get new seeds after a restore. AWS's
 * client makes a FileDescriptor of `_LAMBDA_TELEMETRY_LOG_FD`; where it can't, it writes to standard output.
 */
const OPENED = [
  "java.base/java.io",
  "java.base/java.lang",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/sun.security.provider",
];
/** Share of the memory that the heap gets; the rest is for the JVM itself and for threads' stacks. */
const HEAP_SHARE = 0.85;

export function javaArgv(options: JavaOptions): readonly string[] {
  const heapKib = Math.floor(options.memorySizeMib * 1024 * HEAP_SHARE);
  return [
    `${options.home}/bin/java`,
    `-XX:MaxHeapSize=${heapKib}k`,
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    ...(options.snapStart ? snapStartFlags(options.major) : []),
    // Without it hooks of org.crac are silently skipped.
    "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac",
    ...(options.major >= 22 ? ["--enable-native-access=ALL-UNNAMED"] : []),
    ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    ...(options.major >= 17 && options.major < 25 ? ["--add-opens=jdk.random/jdk.random=ALL-UNNAMED"] : []),
    ...(options.major >= 25 ? ["--add-opens=java.base/jdk.internal.random=ALL-UNNAMED"] : []),
    "-cp",
    "/var/runtime/lib/*",
    // Starts the official client, with the handler of the variable `_HANDLER`.
    "dev.thaw.runtime.Main",
  ];
}

function snapStartFlags(major: number): string[] {
  const flags = ["-Xms24m", "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20"];
  // Not known to Java 11.
  return major < 17 ? flags : [...flags, "-XX:+UnlockDiagnosticVMOptions", "-XX:ArchiveRelocationMode=0"];
}
