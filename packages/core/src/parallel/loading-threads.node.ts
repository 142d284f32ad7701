/** How long threads that load the linear algebra are waited for, in milliseconds, before they are ended. */
const MOST_WAIT = 2000;
const PAUSE = 5;

/** As much of a `Worker` as is asked of it: who uses the types need not have those of Node. */
interface Exiting {
  once(event: "exit", listener: () => void): unknown;
}

/** By place: 1 while the thread loads its linear algebra. In shared memory. */
export type Loading = Int32Array;

/**
 * Threads that load native code may not be ended meanwhile: koffi then ends the whole process, with a stack trace. Here the first
 * thread waits for them, before it ends them and where the program ends at once.
 */
export class LoadingThreads {
  readonly loading: Loading;
  private readonly settle = (): void => {
    const until = performance.now() + MOST_WAIT;
    for (let place = 0; place < this.loading.length; place++)
      Atomics.wait(this.loading, place, 1, Math.max(0, until - performance.now()));
  };

  /** @param places threads there may be at most */
  constructor(places: number) {
    this.loading = new Int32Array(new SharedArrayBuffer(4 * places));
    process.once("exit", this.settle);
  }

  /** A thread was started, which will say `loaded` of its place. */
  begin(place: number, worker: Exiting): void {
    Atomics.store(this.loading, place, 1);
    worker.once("exit", () => loaded(this.loading, place));
  }

  /** Resolves when no thread loads any more, or after two seconds. */
  async settled(): Promise<void> {
    const until = performance.now() + MOST_WAIT;
    while (this.loading.includes(1) && performance.now() < until) {
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSE);
      });
    }
    process.off("exit", this.settle);
  }
}

/** What a thread says when it has loaded. */
export function loaded(loading: Loading, place: number): void {
  Atomics.store(loading, place, 0);
  Atomics.notify(loading, place);
}
