/** D + T of all rows of an influence. */
import type { Influence } from "../../src/influence/aif.js";
import { type Densities, densitiesOf, jacobianAsk } from "../../src/influence/influence-jacobian.js";
import type { Sampling } from "../../src/influence/sampling.js";
import type { Matrix } from "../../src/linalg/matrix.js";
import { sweepFor } from "../../src/models/sweep-together.js";
import type { Work } from "../../src/parallel/work.js";

/** @param known densities (default: of the rows of `attack`) */
export async function influenceJacobian(
  attack: Influence,
  shifts: Float64Array,
  work: Work & Partial<Sampling> = {},
  known?: Densities,
): Promise<Matrix> {
  const { model, data } = attack.fit;
  const { ask, from } = jacobianAsk(attack, shifts, known ?? (await densitiesOf(attack, work)));
  return from(await sweepFor(model.map, data, "inference", ask, work)).jacobian;
}
