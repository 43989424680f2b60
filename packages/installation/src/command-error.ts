/** A mistake or failure, told to the person at the terminal in one sentence. */
export class CommandError extends Error {}
