import type { Influence } from "../influence/aif.js";
import type { Work } from "../parallel/work.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { type ExactPoint, exactOutcome, hasExactOptimum } from "./exact-optimum.js";
import type { StudySettings } from "./settings.js";
import type { ThreatGround } from "./threat-section.js";

/** Exact optima of one threat by ε. */
export type ExactPoints = ReadonlyMap<number, ExactPoint>;

/** Seconds that the exact optima of a threat may take beside an analysis, by the estimate below. */
const AFFORDABLE_SECONDS = 1;

/**
 * Where an optimum of rows that share a budget is found it takes far fewer solutions of their inner maximum than this; where the worst
 * case changes its branch Newton's method would go on for thousands of them, and find nothing.
 */
const SHARED_EVALUATIONS = 30;

/** Sets of features that a robust lasso tries. */
const LASSO_SETS = 6;

/** What one pass costs for each row, in seconds: by itself, for each parameter, for each pair of them. */
const ROW_SECONDS = { once: 1e-7, parameter: 1e-8, pair: 3e-10 };

/**
 * The exact robust optima at all sizes, for every threat that is estimated to take under a second. The estimate counts operations,
 * so that the same analysis gives the same fields on every machine.
 */
export async function quickOptima(
  grounds: readonly ThreatGround[],
  { exact }: Pick<StudySettings, "exact">,
  work: Work,
): Promise<ExactPoints[]> {
  const found: ExactPoints[] = [];
  for (const { attack, epsilons } of grounds) {
    const isQuick =
      exact && hasExactOptimum(attack.fit, attack.threat) && secondsOf(attack, epsilons.length) < AFFORDABLE_SECONDS;
    found.push(isQuick ? await optimaOf(attack, epsilons, work) : new Map());
  }
  return found;
}

/** Each begun at the one before. Optima that are not found, or not proven, are left out. */
async function optimaOf(attack: Influence, epsilons: readonly number[], work: Work): Promise<ExactPoints> {
  const found = new Map<number, ExactPoint>();
  let start = attack.fit.parameters;
  let evaluations = SHARED_EVALUATIONS;
  for (const [k, epsilon] of epsilons.entries()) {
    work.onProgress?.({ phase: "exact optima", done: k, total: epsilons.length });
    const { point } = await exactOutcome(
      attack,
      epsilon,
      { ...(work.signal ? { signal: work.signal } : {}), evaluations },
      start,
    );
    if (point === null || !point.evidence.converged) {
      // Beyond a size without an optimum only collapse, which takes no search, is still to be found.
      evaluations = 1;
      continue;
    }
    found.set(epsilon, point);
    start = point.parameters;
  }
  return found;
}

/** Passes over the rows that an optimum takes: more where the robust risk has corners, most where it has no closed form. */
function passesOf({ fit: { model }, threat }: Influence): number {
  if (threat.tilt) return 30;
  if (!hasClosedForm(model, threat) || !model.map.ownCoefficients) return 100;
  const { p, order } = threat.settings;
  if (order !== undefined) return passesOfShared(model.loss.quadratic, order, p);
  return p === 1 || p === Infinity ? 20 : 10;
}

/** Where rows share a budget each pass shares it out anew, in closed form only at u = 2 for squared losses; corners take very long. */
function passesOfShared(quadratic: boolean, u: number, p: number): number {
  if (u === 1 || p === 1 || p === Infinity) return Number.POSITIVE_INFINITY;
  return quadratic && u === 2 ? 30 : 3000;
}

function secondsOf(attack: Influence, sizes: number): number {
  const { data, parameters, sparse } = attack.fit;
  const { once, parameter, pair } = ROW_SECONDS;
  const passes = (d: number): number => passesOf(attack) * data.rows * (once + d * parameter + d * d * pair);
  if (!sparse) return sizes * passes(parameters.length);
  // With more parameters than rows a robust lasso may go through sets as large as the rows, one feature at a time.
  if (parameters.length > data.rows) return Number.POSITIVE_INFINITY;
  // Else it is solved on a few small sets of features, each with two passes over all.
  const few = Math.min(parameters.length, 2 * sparse.support.length);
  return sizes * LASSO_SETS * (passes(few) + 2 * data.rows * parameters.length * parameter);
}
