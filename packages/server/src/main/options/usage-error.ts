/** A mistake in how the server was started, told to the person at the terminal in one sentence (exit status 2). */
export class UsageError extends Error {}
