import { isJoint } from "../../robust/joint-worst-case.js";
import type { LocalInfluence } from "./influence.js";
import type { LocalSandwichOptions } from "./sandwich.js";

/** Why a response has no interval for the population. */
export interface LocalRefusal {
  readonly code:
    | "not-at-minimum"
    | "damped"
    | "gauss-newton"
    | "unconverged"
    | "kinks"
    | "one-row"
    | "shared-budget"
    | "singular"
    | "few-rows"
    | "third-derivatives"
    | "too-large";
  /** Completes "There is no interval, since …". */
  readonly reason: string;
}

/** Above this relative gradient θ̃ is no minimum, and the sandwich speaks of minima. */
const STATIONARY = 1e-6;
/** More parameters a row than this and no interval for the population is worth its name (MATH 14.5). */
const MOST_PARAMETERS_PER_ROW = 0.2;
/** H⁻¹, D + T and V̂ are formed whole. */
const MOST_PARAMETERS = 3000;
/** About a minute for a network of one hidden layer. */
const AFFORDABLE = 1e10;

/** Tests in order: the first that holds is the reason. */
const RULES: readonly {
  readonly code: LocalRefusal["code"];
  holds(attack: LocalInfluence, options: LocalSandwichOptions): boolean;
  reason(attack: LocalInfluence, options: LocalSandwichOptions): string;
}[] = [
  {
    code: "kinks",
    holds: (_, { smooth = true }) => !smooth,
    reason: () => "the network has ReLU units, whose kinks lie at densities that are not estimated here",
  },
  {
    code: "not-at-minimum",
    holds: ({ point }) => !(point.gradientNorm <= STATIONARY),
    reason: ({ point }) =>
      `the parameters are no minimum (relative gradient ${point.gradientNorm.toPrecision(2)}), and those of another sample would depend on how it was trained`,
  },
  {
    code: "gauss-newton",
    holds: ({ curvature }) => curvature !== "hessian",
    reason: () => "the Gauss–Newton curvature is not the derivative that another sample's minimum would follow",
  },
  {
    code: "damped",
    holds: ({ damping }) => damping > 0,
    reason: () => "the response is damped, so that it is no property of the population",
  },
  {
    code: "unconverged",
    holds: ({ solver }) => !solver.converged,
    reason: () => "the solver of the response did not converge",
  },
  {
    code: "one-row",
    holds: ({ threat }) => threat.settings.order === 1,
    reason: () => "at u = 1 one row takes everything, so that the influence has no distribution",
  },
  {
    code: "shared-budget",
    holds: ({ threat }) => isJoint(threat),
    reason: () => "rows are attacked together, which has no closed form: ask for the bootstrap",
  },
  {
    code: "few-rows",
    holds: (attack) => rankOf(attack) > MOST_PARAMETERS_PER_ROW * attack.point.data.rows,
    reason: ({ influence, point }) => `there are ${influence.length} parameters for ${point.data.rows} rows`,
  },
  {
    code: "singular",
    holds: ({ solver, point, influence }) =>
      solver.rank !== null && solver.rank < influence.length && !point.model.convex,
    reason: ({ solver, influence }) =>
      `the Hessian is singular (rank ${solver.rank ?? 0} of ${influence.length}), so that the minimum is not isolated`,
  },
  {
    code: "third-derivatives",
    holds: ({ point: { model } }) =>
      !(
        model.tangentHessianProduct &&
        model.mixedGramProduct &&
        model.gradientRows &&
        model.mixedRows &&
        model.hessianRows
      ),
    reason: () => "the model gives no third derivatives",
  },
  {
    code: "too-large",
    holds: ({ point, influence: { length: d } }, { affordable = AFFORDABLE }) =>
      d > MOST_PARAMETERS || point.data.rows * d * d > affordable,
    reason: ({ point, influence: { length: d } }) => `${d} parameters on ${point.data.rows} rows would take too long`,
  },
];

const rankOf = ({ solver, influence }: LocalInfluence): number => solver.rank ?? influence.length;

/** The first reason against an interval, or null. @param except reasons that do not count. */
export function localRefusal(
  attack: LocalInfluence,
  options: LocalSandwichOptions = {},
  except: readonly LocalRefusal["code"][] = [],
): LocalRefusal | null {
  const rule = RULES.find(({ code, holds }) => !except.includes(code) && holds(attack, options));
  return rule ? { code: rule.code, reason: rule.reason(attack, options) } : null;
}
