import { readFile, stat } from "node:fs/promises";
import { AifError, type TrainingState } from "@aif/core";
import { assertWritable, writeFileAtomically } from "@aif/core/node";
import { usageError } from "../errors.js";

export interface CheckpointChoice {
  readonly checkpoint: string | null;
  readonly checkpointEvery: number;
  readonly resume: boolean;
}

/** The file that holds the state of a training: always a whole one, the latest that was kept. */
export class Checkpoint {
  /** The last iteration in the file. */
  private written = -1;
  private latest: TrainingState | null = null;
  private writing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(
    readonly path: string,
    private readonly every: number,
    /** What the file held at the start. */
    readonly resumed: TrainingState | null,
  ) {
    if (resumed === null) return;
    this.latest = resumed;
    this.written = resumed.iteration;
  }

  /**
   * Null without --checkpoint.
   * @throws usage: a file that exists without --resume, --resume without a file. input: a file that is no checkpoint.
   */
  static async open({ checkpoint: path, checkpointEvery, resume }: CheckpointChoice): Promise<Checkpoint | null> {
    if (path === null) {
      if (resume) throw usageError("--resume goes on from a file: name it with --checkpoint.");
      return null;
    }
    await assertWritable(path);
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists && !resume) {
      throw usageError(`${path} exists already: go on from it with --resume, or name another file with --checkpoint.`);
    }
    if (!exists && resume) {
      throw usageError(`There is no checkpoint ${path} to resume from: leave out --resume to start anew.`);
    }
    return new Checkpoint(path, checkpointEvery, resume ? await readState(path) : null);
  }

  get iteration(): number | null {
    return this.latest?.iteration ?? null;
  }

  /** Takes note of a state, and writes every few of them. */
  readonly save = async (state: TrainingState): Promise<void> => {
    if (this.closed) return;
    this.latest = state;
    if (state.iteration % this.every === 0) await this.write();
  };

  /** Writes the latest state unless that is in the file; states that come later are not taken. */
  async close(): Promise<void> {
    this.closed = true;
    await this.write();
  }

  private write(): Promise<void> {
    this.writing = this.writing.then(async () => {
      const { latest } = this;
      if (latest === null || latest.iteration === this.written) return;
      await writeFileAtomically(this.path, `${JSON.stringify(latest)}\n`);
      this.written = latest.iteration;
    });
    return this.writing;
  }
}

async function readState(path: string): Promise<TrainingState> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AifError("input", `The checkpoint ${path} cannot be read; check its permissions and its disk.`, {
      cause,
    });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AifError(
      "input",
      `${path} is no checkpoint of adversarial training, for it is no JSON; check its name.`,
      {
        cause,
      },
    );
  }
}
