import { usageError } from "../errors.js";
import { exchange } from "../parallel/deal.js";
import { ALONE } from "../parallel/ranks.js";
import type { Progress, Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { exponent, exponentName } from "../threats/norms.js";
import type { Experiment, ExperimentRun, ExperimentSettings, Repetition } from "./experiment.js";
import { withFormulas } from "./summary.js";

/** Repetition r of an experiment: `experiment.repeat` with the stream (seed, r), here or in another thread. */
export type Repeat = (
  experiment: Experiment,
  settings: ExperimentSettings,
  r: number,
  work: Work,
) => Promise<Repetition>;

/** Who computes the repetitions of an experiment, and which are known already. */
export interface RunOptions extends Work {
  /** Repetitions of a run with the same seed and norm, in their order: they are not computed again. */
  readonly finished?: readonly Repetition[];
  /** Who computes a repetition, and how many at once (default: this thread, one after the other). */
  readonly lanes?: { readonly count: number; readonly repeat: Repeat } | undefined;
  /** Is told what is finished, in the order of the streams, whenever that grows. */
  readonly onFinished?: ((finished: readonly Repetition[]) => void) | undefined;
}

/** Repetition r draws its data from the stream (seed, r), so that its digits depend on nothing else. */
export const repeatHere: Repeat = (experiment, settings, r, work) =>
  experiment.repeat(settings, randomStream(settings.seed, r), work);

/**
 * Runs an experiment. The numbers do not depend on how many lanes there are.
 * @throws usage: settings that make no sense.
 */
export async function runExperiment(
  experiment: Experiment,
  chosen: Partial<ExperimentSettings> = {},
  options: RunOptions = {},
): Promise<ExperimentRun> {
  const settings = checkedSettings(experiment, { ...experiment.defaults, ...chosen });
  const started = performance.now();
  const repetitions = await repetitionsOf(experiment, settings, options);
  const summary = withFormulas(repetitions, experiment.formulas?.(settings) ?? {});
  const { name, reference, title, columns } = experiment;
  return {
    schema: "aif.reproduction/1",
    name,
    reference,
    title,
    setup: experiment.setup(settings),
    settings: { repetitions: settings.repetitions, seed: settings.seed, norm: exponentName(settings.norm) },
    columns,
    summary,
    ...experiment.conclude(summary, settings),
    repetitions,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Ranks exchange what they have so often in a run: what is finished can be kept. */
const EXCHANGES = 20;

async function repetitionsOf(
  experiment: Experiment,
  settings: ExperimentSettings,
  options: RunOptions,
): Promise<readonly Repetition[]> {
  const { finished = [], ranks = ALONE, lanes = { count: 1, repeat: repeatHere } } = options;
  const count = settings.repetitions;
  const results: (Repetition | undefined)[] = finished.slice(0, count);
  const repeat = repeater(experiment, settings, results.length, options);
  const { rank, size } = ranks;
  const step = size === 1 ? count : size * Math.max(lanes.count, Math.ceil(count / size / EXCHANGES));
  for (let from = results.length; from < count; from += step) {
    const own: number[] = [];
    for (let r = from + rank; r < Math.min(from + step, count); r += size) own.push(r);
    await repeat(own, results);
    if (size === 1) break;
    const hands = await exchange(
      ranks,
      own.map((r) => results[r]),
    );
    for (let k = 0; k < Math.min(step, count - from); k++) results[from + k] = hands[k % size][Math.floor(k / size)];
    options.onFinished?.(results.slice() as Repetition[]);
  }
  return results as Repetition[];
}

/** Computes repetitions with as many lanes as there are. */
function repeater(
  experiment: Experiment,
  settings: ExperimentSettings,
  start: number,
  { lanes = { count: 1, repeat: repeatHere }, ranks = ALONE, signal, onProgress, onFinished }: RunOptions,
): (own: readonly number[], results: (Repetition | undefined)[]) => Promise<void> {
  const count = settings.repetitions;
  const shares = new Float64Array(count).fill(1, 0, start);
  const told = (r: number, { done, total }: Pick<Progress, "done" | "total">): void => {
    shares[r] = done / total;
    const here = shares.reduce((sum, share) => sum + share, 0) - start;
    onProgress?.({ phase: experiment.name, done: Math.min(count, start + here * ranks.size), total: count });
  };
  let whole = start;
  return async (own, results) => {
    let next = 0;
    let failed = false;
    const lane = async (): Promise<void> => {
      while (next < own.length && !failed) {
        const r = own[next++];
        try {
          results[r] = await lanes.repeat(experiment, settings, r, {
            signal,
            onProgress: (progress) => told(r, progress),
          });
        } catch (error) {
          failed = true;
          throw error;
        }
        if (shares[r] < 1) told(r, { done: 1, total: 1 });
        const before = whole;
        while (results[whole] !== undefined) whole++;
        if (whole > before && ranks.size === 1) onFinished?.(results.slice(0, whole) as Repetition[]);
      }
    };
    await Promise.all(Array.from({ length: Math.min(lanes.count, own.length) }, lane));
  };
}

/** Checks settings before any work. @throws usage */
export function checkedSettings(experiment: Experiment, settings: ExperimentSettings): ExperimentSettings {
  const { repetitions, seed, norm } = settings;
  if (!(Number.isSafeInteger(repetitions) && repetitions >= 1))
    throw usageError(`The repetitions must be a whole number ≥ 1, got ${repetitions}.`);
  if (!Number.isSafeInteger(seed)) throw usageError(`The seed must be a whole number, got ${seed}.`);
  exponent(norm);
  const { norms, reference, name } = experiment;
  if (norms && !norms.includes(norm)) {
    const about = norms.map(exponentName).join(", ");
    throw usageError(`${reference} (${name}) is about the norm p = ${about}, not p = ${exponentName(norm)}.`);
  }
  return settings;
}
