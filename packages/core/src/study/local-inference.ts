import { AifError } from "../errors.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import { type LocalSandwich, localSandwich } from "../influence/local/sandwich.js";
import { localRefusal } from "../influence/local/sandwich-refusal.js";
import { leverageFor } from "../influence/sandwich.js";
import { LOSSES } from "../models/losses.js";
import type { Work } from "../parallel/work.js";
import { type Inference, inferenceFrom } from "./inference.js";
import type { PreparedLocal } from "./local-prepare.js";
import { samplingOf } from "./row-sampling.js";
import { hasAbsoluteSizes } from "./settings.js";

/** What inference adds to one threat's response. */
export interface LocalInference {
  /** null: there is none. */
  readonly inference: Inference | null;
  /** Why there is none, where one was asked for. */
  readonly reason: string | null;
  /** T of `estimationLoss`; null without inference. */
  readonly estimationLoss: number | null;
}

const NOT_ASKED: LocalInference = { inference: null, reason: null, estimationLoss: null };
const without = (reason: string): LocalInference => ({ ...NOT_ASKED, reason });

/** Intervals for the population by the sandwich, at a minimum of a smooth model that is small enough; else the reason against. */
export async function localInferenceOf(
  attack: LocalInfluence,
  { input: { settings }, training, local }: PreparedLocal,
  work: Work,
): Promise<LocalInference> {
  if (settings.inference === "none") return NOT_ASKED;
  if (!settings.local.polish) return without("--no-polish leaves the parameters where another sample would not");
  const options = {
    ...work,
    ...samplingOf(training, settings),
    relativeRadius: !hasAbsoluteSizes(settings),
    loss: local.loss === "softmax" ? null : LOSSES[local.loss],
    smooth: !local.activation?.includes("relu"),
    leverage: leverageFor(attack.influence.length, training.rows) === "none" ? ("none" as const) : ("hc1" as const),
  };
  const refused = localRefusal(attack, options);
  if (refused) return without(refused.reason);
  let found: LocalSandwich;
  try {
    found = await localSandwich(attack, options);
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical")
      return without("the Hessian has no inverse that can be trusted");
    throw error;
  }
  const { confidence: level, seed } = settings;
  return {
    inference: inferenceFrom(found, attack.influence, found.sensitivityInterval(level), { level, seed }),
    reason: null,
    estimationLoss: found.estimationLoss,
  };
}
