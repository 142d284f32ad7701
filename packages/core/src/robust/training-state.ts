import type { Dataset } from "../data/dataset.js";
import { quoted } from "../data/names.js";
import { inputError, usageError } from "../errors.js";
import type { DescentMemory } from "./descent.js";

const SCHEMA = "aif.training/1";

/** One iteration of adversarial training. */
export interface TrainingStep {
  readonly iteration: number;
  /** Σ w l(x+δ) + ½ΣPθ² under the adversary that trains. */
  readonly objective: number;
  /** Relative to the size of its terms. */
  readonly gradientNorm: number;
  /** The duality gap relative to the objective; null where it was not measured, or is not known. */
  readonly gap: number | null;
}

/** Adversarial training after an iteration, as plain data (JSON as it is): what a checkpoint holds and a resumed run starts from. */
export interface TrainingState {
  readonly schema: typeof SCHEMA;
  /** What the run was asked to do: a checkpoint of another question is refused. */
  readonly settings: string;
  readonly data: DataFingerprint;
  readonly iteration: number;
  readonly theta: readonly number[];
  readonly memory: DescentMemory;
  readonly history: readonly TrainingStep[];
}

/** What tells one data set from another, so that a checkpoint goes on with its own rows only. */
export interface DataFingerprint {
  readonly rows: number;
  readonly features: readonly string[];
  /** Of all numbers in the rows, targets and weights, in order. */
  readonly hash: string;
}

export const trainingState = (state: Omit<TrainingState, "schema">): TrainingState => ({ schema: SCHEMA, ...state });

/** A fingerprint of a data set, the same however its rows are cut into blocks. One pass. */
export function dataFingerprint(data: Dataset): DataFingerprint {
  let [low, high] = [0x811c9dc5, 0x9e3779b9];
  const take = (numbers: Float64Array): void => {
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
    for (let at = 0; at < words.length; at++) {
      low = Math.imul(low ^ words[at], 0x01000193);
      high = Math.imul(high ^ (words[at] + (high >>> 15)), 0x85ebca6b);
    }
  };
  for (const { x } of data.blocks()) take(x.data.subarray(0, x.rows * x.columns));
  take(data.y);
  take(data.weights);
  const hash = [low, high].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  return { rows: data.rows, features: [...data.features], hash };
}

/**
 * Checks that a checkpoint belongs to this question and these rows.
 * @param name what errors call it. @throws input: it is no checkpoint, or one of other data. usage: one of other settings.
 */
export function checkState(
  state: TrainingState,
  settings: string,
  data: DataFingerprint,
  parameters: number,
  name = "The checkpoint",
): void {
  const unreadable = inputError(
    `${name} cannot be read: it needs the schema ${SCHEMA}, ${parameters} parameters and the optimiser's memory; start anew without it.`,
  );
  if (state?.schema !== SCHEMA || !areTexts(state.data?.features) || !areTexts([state.settings])) throw unreadable;
  const other = dataDifference(state.data, data);
  if (other !== null) {
    throw inputError(
      `${name} is of other data (${other}): resume with the data it was made from, or start anew without it.`,
    );
  }
  if (state.settings !== settings) {
    throw usageError(
      `${name} was made with other settings (${difference(state.settings, settings)}): resume with the same ones, or start anew without it.`,
    );
  }
  const whole =
    Number.isSafeInteger(state.iteration) &&
    state.iteration >= 0 &&
    isVector(state.theta, parameters) &&
    Array.isArray(state.history) &&
    state.history.every(isStep) &&
    isMemory(state.memory, parameters);
  if (!whole) throw unreadable;
}

/** What tells two data sets apart, in words; null where nothing does. */
function dataDifference(given: DataFingerprint, wanted: DataFingerprint): string | null {
  if (given.rows !== wanted.rows || given.features.length !== wanted.features.length)
    return `${given.rows} rows of ${given.features.length} features, these are ${wanted.rows} of ${wanted.features.length}`;
  const renamed = wanted.features.findIndex((name, k) => name !== given.features[k]);
  if (renamed >= 0) return `feature ${quoted(given.features[renamed])}, here ${quoted(wanted.features[renamed])}`;
  return given.hash === wanted.hash ? null : "the same rows and features, but values differ";
}

function isMemory(memory: unknown, parameters: number): boolean {
  const { pairs, factor } = (memory ?? {}) as Partial<DescentMemory>;
  return (
    Number.isFinite(factor) &&
    Array.isArray(pairs) &&
    pairs.every((pair) => isVector(pair?.step, parameters) && isVector(pair?.change, parameters))
  );
}

const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every((entry) => typeof entry === "string");

const isVector = (value: unknown, length: number): boolean =>
  Array.isArray(value) && value.length === length && value.every(Number.isFinite);

function isStep(value: unknown): boolean {
  const { iteration, objective, gradientNorm, gap } = (value ?? {}) as Partial<TrainingStep>;
  return [iteration, objective, gradientNorm, gap ?? 0].every(Number.isFinite);
}

/** The first setting that differs, by name. */
function difference(given: string, wanted: string): string {
  try {
    const [before, now] = [given, wanted].map((text) => JSON.parse(text) as Record<string, unknown>);
    const name = Object.keys(now).find((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
    return name ? `${name}: ${shown(before[name])}, now ${shown(now[name])}` : "unknown";
  } catch {
    return "they cannot be read";
  }
}

const LONGEST = 60;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
};
