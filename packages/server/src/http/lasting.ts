/** An answer may go on for days, and what allowed it, a key or a login, end meanwhile: nothing is sent after that. */
export async function* endedWith<T>(body: AsyncIterable<T>, isStillAllowed: () => boolean): AsyncGenerator<T> {
  for await (const piece of body) {
    if (!isStillAllowed()) return;
    yield piece;
  }
}
