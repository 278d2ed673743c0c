// One sender, many streams.
export class Broadcast<T> {
  private readonly streams = new Set<(item: T) => void>();

  send(item: T): void {
    for (const stream of this.streams) stream(item);
  }

  async *subscribe(signal: AbortSignal): AsyncGenerator<T> {
    const queue: T[] = [];
    let wake = () => {};
    const take = (item: T) => {
      queue.push(item);
      wake();
    };
    this.streams.add(take);
    signal.addEventListener("abort", () => wake());
    try {
      while (!signal.aborted) {
        while (queue.length > 0) yield queue.shift()!;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (queue.length > 0 || signal.aborted) resolve();
        });
      }
    } finally {
      this.streams.delete(take);
    }
  }
}
