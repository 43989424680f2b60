/** Runtimes that Thaw can run, each where the host has it. AWS takes more of them. */
export const JAVA_MAJORS = [11, 17, 21, 25];
export const PYTHON_VERSIONS = ["3.11", "3.12", "3.13", "3.14"];
export const NODE_MAJORS = [20, 22, 24];
export const PROVIDED_RUNTIMES = ["provided.al2023", "provided.al2"];

/** As functions name them. */
export const RUNNABLE_RUNTIMES: readonly string[] = [
  ...JAVA_MAJORS.map((major) => `java${major}`),
  ...PYTHON_VERSIONS.map((version) => `python${version}`),
  ...NODE_MAJORS.map((major) => `nodejs${major}.x`),
  ...PROVIDED_RUNTIMES,
];
