import { AifError, type TrainingState } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import { type CheckpointFile, readCheckpoint } from "./checkpoint-file.js";

export interface CheckpointChoice extends CheckpointFile {
  readonly checkpointEvery: number;
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
    const text = await readCheckpoint({ checkpoint: path, resume });
    if (path === null) return null;
    return new Checkpoint(path, checkpointEvery, text === null ? null : stateOf(text, path));
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

function stateOf(text: string, path: string): TrainingState {
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
