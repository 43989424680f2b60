/** What went wrong, in words for the person at the terminal. */
export class CommandError extends Error {}
