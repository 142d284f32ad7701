import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Experiment, type ExperimentSettings, exponentName, type Repetition } from "@aif/core";
import { makeOutputFolder, writeFileAtomically } from "@aif/core/node";
import { version } from "../version.js";
import { toJson } from "./json.js";

/** Repetitions of a run that is not over, as they lie in its folder. */
export interface StoredPart {
  readonly schema: "aif.reproduction-part/1";
  readonly aif: string;
  readonly reference: string;
  readonly setup: string;
  readonly settings: { readonly repetitions: number; readonly seed: number; readonly norm: string };
  readonly repetitions: readonly Repetition[];
}

/** How much work may be lost, at most and about. */
const EVERY_MS = 5000;

/** Keeps what is finished of a run in a file of its folder, so that the same command goes on from there. */
export class PartialRun {
  private latest: readonly Repetition[] = [];
  private written = performance.now();
  private writing: Promise<void> = Promise.resolve();

  constructor(
    readonly path: string,
    private readonly experiment: Experiment,
    private readonly settings: ExperimentSettings,
  ) {}

  /** How many repetitions are finished. */
  get count(): number {
    return this.latest.length;
  }

  /** Is told what is finished; writes it from time to time. */
  readonly keep = (finished: readonly Repetition[]): void => {
    this.latest = finished;
    if (performance.now() - this.written < EVERY_MS) return;
    this.written = performance.now();
    this.writing = this.writing.then(() => this.write(finished));
    this.writing.catch(() => {}); // close() tells of it, and so does writing the whole run
  };

  /** The work was stopped: writes the latest. */
  async close(): Promise<void> {
    await this.writing;
    if (this.latest.length > 0) await this.write(this.latest);
  }

  /** The run is whole: nothing is left to keep. */
  async remove(): Promise<void> {
    await this.writing.catch(() => {});
    await rm(this.path, { force: true });
  }

  private async write(repetitions: readonly Repetition[]): Promise<void> {
    const { experiment, settings } = this;
    const part: StoredPart = {
      schema: "aif.reproduction-part/1",
      aif: version,
      reference: experiment.reference,
      setup: experiment.setup(settings),
      settings: { repetitions: repetitions.length, seed: settings.seed, norm: exponentName(settings.norm) },
      repetitions,
    };
    makeOutputFolder(dirname(this.path));
    await writeFileAtomically(this.path, toJson(part));
  }
}
