import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { exponent, exponentName } from "../threats/norms.js";
import type { Experiment, ExperimentRun, ExperimentSettings, Repetition } from "./experiment.js";
import { summarise } from "./summary.js";

export interface RunOptions extends Work {
  /** Repetitions of a run with the same seed and norm, in their order: they are not computed again. */
  readonly finished?: readonly Repetition[];
}

/**
 * Runs an experiment: repetition r draws its data from the stream (seed, r), so that its digits depend on nothing else.
 * @throws usage: settings that make no sense.
 */
export async function runExperiment(
  experiment: Experiment,
  chosen: Partial<ExperimentSettings> = {},
  { finished = [], signal, onProgress }: RunOptions = {},
): Promise<ExperimentRun> {
  const settings = checkedSettings({ ...experiment.defaults, ...chosen });
  const { repetitions: count, seed, norm } = settings;
  const started = performance.now();
  const repetitions = finished.slice(0, count);
  for (let r = repetitions.length; r < count; r++) {
    const work: Work = {
      signal,
      onProgress: ({ done, total }) =>
        onProgress?.({ phase: experiment.name, done: r * total + done, total: count * total }),
    };
    repetitions.push(await experiment.repeat(settings, randomStream(seed, r), work));
  }
  const summary = summarise(repetitions);
  const { name, reference, title, columns } = experiment;
  return {
    schema: "aif.reproduction/1",
    name,
    reference,
    title,
    setup: experiment.setup(settings),
    settings: { repetitions: count, seed, norm: exponentName(norm) },
    columns,
    summary,
    ...experiment.conclude(summary, settings),
    repetitions,
    seconds: (performance.now() - started) / 1000,
  };
}

function checkedSettings(settings: ExperimentSettings): ExperimentSettings {
  const { repetitions, seed, norm } = settings;
  if (!(Number.isSafeInteger(repetitions) && repetitions >= 1))
    throw usageError(`The repetitions must be a whole number ≥ 1, got ${repetitions}.`);
  if (!Number.isSafeInteger(seed)) throw usageError(`The seed must be a whole number, got ${seed}.`);
  exponent(norm);
  return settings;
}
