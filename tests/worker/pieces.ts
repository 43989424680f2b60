/** A response of which the test sends each piece. */
export class Pieces implements AsyncIterable<Buffer> {
  readonly #sent: Array<Buffer | null> = [];
  #wake: () => void = () => undefined;

  send(text: string): void {
    this.#put(Buffer.from(text));
  }

  end(): void {
    this.#put(null);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.#sent.shift();
      if (piece === null) return;
      if (piece !== undefined) yield piece;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #put(piece: Buffer | null): void {
    this.#sent.push(piece);
    this.#wake();
  }
}
