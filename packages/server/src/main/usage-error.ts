/** What is wrong with how the server was started, in words for who started it. */
export class UsageError extends Error {}
