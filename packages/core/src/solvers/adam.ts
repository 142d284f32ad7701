import { numericalError, throwIfAborted, usageError } from "../errors.js";
import { timeSlices, type Work } from "../parallel/work.js";

export interface AdamOptions<Batch> extends Work {
  /** The batches of an epoch (counted from 0), in the order they are used: the caller draws them, with its seed. */
  readonly batches: (epoch: number) => Iterable<Batch>;
  /** An estimate of ∇f(θ) (d) from one batch. */
  readonly gradient: (theta: Float64Array, batch: Batch) => Promise<Float64Array>;
  readonly epochs: number;
  /** Of step t = 0, 1, …; a number is kept throughout. Default 1e-3. */
  readonly learningRate?: number | ((step: number) => number);
  /** Default 0.9. */
  readonly firstDecay?: number;
  /** Default 0.999. */
  readonly secondDecay?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  readonly stability?: number;
  /** What is to fall, such as a loss on rows held out; looked at after every epoch. θ is not kept and must not be changed. */
  readonly validate?: (theta: Float64Array, epoch: number) => Promise<number>;
  /** Epochs without a new lowest validation after which to stop. Default Infinity. */
  readonly patience?: number;
}

export interface AdamResult {
  /** d: of the epoch with the lowest validation; of the last epoch without `validate`. */
  readonly theta: Float64Array;
  /** "stopped": the validation did not fall any more. */
  readonly end: "epochs-done" | "stopped";
  /** Epochs that were run. */
  readonly epochs: number;
  readonly steps: number;
  /** The epoch that θ is of. */
  readonly bestEpoch: number;
  /** One for each epoch; empty without `validate`. */
  readonly validations: readonly number[];
}

/**
 * Minimises f by Adam (Kingma and Ba 2015): θ ← θ − η m̂/(√v̂ + ε), m̂ and v̂ the running means of gradients and their squares,
 * divided by what they lack of full weight.
 * @throws usage: settings that make no sense; numerical: a gradient or validation that is not finite; cancelled.
 */
export async function minimiseAdam<Batch>(start: Float64Array, options: AdamOptions<Batch>): Promise<AdamResult> {
  const { epochs, validate, patience = Number.POSITIVE_INFINITY } = options;
  if (!(Number.isInteger(epochs) && epochs >= 1)) {
    throw usageError(`The number of epochs must be a whole number of at least 1, got ${epochs}.`);
  }
  const take = adamStep(start.length, options);
  const slices = timeSlices(options);
  const theta = start.slice();
  const validations: number[] = [];
  let best = { theta, value: Number.POSITIVE_INFINITY, epoch: -1 };
  let steps = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of options.batches(epoch)) {
      throwIfAborted(options.signal);
      take(theta, await options.gradient(theta, batch));
      steps++;
      if (slices.due()) await slices.pause({ phase: "training", done: epoch, total: epochs });
    }
    if (!validate) continue;
    const value = await validate(theta, epoch);
    if (!Number.isFinite(value)) throw diverged("The validation", steps);
    validations.push(value);
    if (value < best.value) best = { theta: theta.slice(), value, epoch };
    if (epoch - best.epoch >= patience) {
      return { theta: best.theta, end: "stopped", epochs: epoch + 1, steps, bestEpoch: best.epoch, validations };
    }
  }
  const bestEpoch = validate ? best.epoch : epochs - 1;
  return { theta: best.theta, end: "epochs-done", epochs, steps, bestEpoch, validations };
}

/** The update of θ in place, with its two moments. */
function adamStep<Batch>(d: number, options: AdamOptions<Batch>): (theta: Float64Array, g: Float64Array) => void {
  const { learningRate = 1e-3, firstDecay = 0.9, secondDecay = 0.999, stability = 1e-8 } = options;
  const rate = typeof learningRate === "number" ? () => learningRate : learningRate;
  for (const [name, decay] of [
    ["first", firstDecay],
    ["second", secondDecay],
  ] as const) {
    if (!(decay >= 0 && decay < 1)) throw usageError(`The ${name} decay of Adam must lie in [0, 1), got ${decay}.`);
  }
  const [first, second] = [new Float64Array(d), new Float64Array(d)];
  let step = 0;
  return (theta, gradient) => {
    const eta = rate(step++);
    if (!(eta > 0 && eta < Infinity)) throw usageError(`The learning rate must be a number above 0, got ${eta}.`);
    const [weight1, weight2] = [1 - firstDecay ** step, 1 - secondDecay ** step];
    for (let j = 0; j < d; j++) {
      const g = gradient[j];
      first[j] = firstDecay * first[j] + (1 - firstDecay) * g;
      second[j] = secondDecay * second[j] + (1 - secondDecay) * g * g;
      theta[j] -= (eta * first[j]) / weight1 / (Math.sqrt(second[j] / weight2) + stability);
    }
    if (!theta.every(Number.isFinite)) throw diverged("The gradient", step);
  };
}

const diverged = (what: string, step: number) =>
  numericalError(
    `${what} is not finite after ${step} steps of Adam: use a smaller learning rate, or rescale the columns.`,
  );
