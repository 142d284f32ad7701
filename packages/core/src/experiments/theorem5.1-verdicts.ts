import { type RandomStream, randomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import {
  curvatureOverNoise,
  type LinearQuadraticPopulation,
  type LinearQuadraticSensitivities,
  linearCostsMore,
  linearQuadraticSensitivities,
} from "../theory/linear-quadratic.js";
import { judged } from "./agreement.js";
import type { Column, ExperimentSettings, Summary, Verdict } from "./experiment.js";

/** b = ‖β₂‖²σ² of the simulated settings; σ = σ_ξ = 1. */
export const CURVATURES = [0.06, 0.09, 0.15, 0.25, 0.4, 1.13];
/** ‖β₁‖ of the simulated settings. */
export const LENGTHS = { short: 0.3, long: 3 } as const;
/** Condition I of the paper is narrower than b > 2k', and 2k' is this many times √2k'. */
const CONDITION_I = Math.SQRT2;
/** By how much β₁ is lengthened, with everything that a condition free of β₁ can look at left as it is. */
const LONGER = 1000;
/** The paper's condition II holds here (MATH 4): m = 8, σ = σ_ξ = 1, b = 0.6, ‖β₁‖ = 3. */
const EXAMPLE = { features: 8, b: 0.6, length: 3 };

/** The population of Theorem 5.1 with three features, β₂ across β₁, no coordinate of β₁ zero or tied. */
export function settingOf(length: number, b: number): Omit<LinearQuadraticPopulation, "norm"> {
  const along = [2 / 3, -2 / 3.6, 0];
  const third = Math.sqrt(1 - along[0] ** 2 - along[1] ** 2);
  const first = [along[0], along[1], third];
  const across = [along[1], -along[0], 0];
  const size = Math.hypot(...across);
  return {
    beta1: first.map((value) => length * value),
    beta2: across.map((value) => (Math.sqrt(b) * value) / size),
    sigmaX: 1,
    sigmaXi: 1,
  };
}

/** What was found in random settings of the population. */
interface Trials {
  readonly settings: number;
  /** b > 2k', which is all that condition I can hold in, and how often S_L ≤ S_Q there. */
  readonly conditionI: number;
  readonly contradictedI: number;
  /** The same for b > √2k'. */
  readonly sharp: number;
  readonly contradictedSharp: number;
  /** S_L < S_Q among the others, and among them with a longer β₁. */
  readonly others: number;
  readonly quadraticCostsMore: number;
  readonly quadraticCostsMoreThen: number;
  readonly largestRatio: number;
}

export function theorem51Verdicts(
  summary: Summary,
  { seed, norm }: ExperimentSettings,
  settings: number,
  grid: Column,
): Verdict[] {
  const found = trials(settings, norm, randomStream(seed, -1));
  const example = exampleOf(norm);
  const simulated = (claim: string, name: string): Verdict =>
    judged(claim, summary, { simulated: name, formula: `${name}.formula`, grid });
  return [
    ...(["short", "long"] as const).flatMap((of) => [
      simulated(`S_L by its formula, ‖β₁‖ = ${LENGTHS[of]}`, `${of}.linear`),
      simulated(`S_Q by its formula, ‖β₁‖ = ${LENGTHS[of]}`, `${of}.quadratic`),
    ]),
    {
      claim: "Condition I: then S_L > S_Q",
      holds: found.contradictedI === 0,
      text: `it lies within b > 2k', and of ${found.settings} random settings ${found.conditionI} have that: S_L ≤ S_Q in ${found.contradictedI} of them`,
    },
    {
      claim: "Sharper: b > √2·k' is enough for S_L > S_Q",
      holds: found.contradictedSharp === 0,
      text: `S_L ≤ S_Q in ${found.contradictedSharp} of the ${found.sharp} settings that have it`,
    },
    {
      claim: "Condition II, which does not look at β₁: then S_L < S_Q",
      holds:
        found.others > 0 && found.quadraticCostsMoreThen === 0 && example.linear > example.quadratic ? false : null,
      text: `of the other ${found.others} settings ${found.quadraticCostsMore} have S_L < S_Q (S_L/S_Q goes up to ${number(found.largestRatio)}), and with β₁ ${LONGER} times as long, which leaves everything that it looks at unchanged, ${found.quadraticCostsMoreThen} have; where it holds at m = ${EXAMPLE.features}, b = ${EXAMPLE.b}, ‖β₁‖ = ${EXAMPLE.length}, S_L is ${number(example.linear)} and S_Q ${number(example.quadratic)}`,
    },
  ];
}

/** β₁ with equal coordinates, β₂ across it. */
function exampleOf(norm: number): LinearQuadraticSensitivities {
  const { features, b, length } = EXAMPLE;
  const each = 1 / Math.sqrt(features);
  return linearQuadraticSensitivities({
    beta1: Array.from({ length: features }, (_, k) => length * each * (1 + 1e-3 * k)),
    beta2: Array.from({ length: features }, (_, k) => Math.sqrt(b) * each * (-1) ** k),
    sigmaX: 1,
    sigmaXi: 1,
    norm,
  });
}

function trials(settings: number, norm: number, random: RandomStream): Trials {
  const drawn = Array.from({ length: settings }, () => {
    const setting = { ...randomSetting(random), norm };
    const { linear, quadratic } = linearQuadraticSensitivities(setting);
    const long = linearQuadraticSensitivities({ ...setting, beta1: setting.beta1.map((value) => LONGER * value) });
    return {
      curvature: curvatureOverNoise(setting),
      sharp: linearCostsMore(setting),
      ratio: linear / quadratic,
      longRatio: long.linear / long.quadratic,
    };
  });
  const count = (of: (one: (typeof drawn)[number]) => boolean): number => drawn.filter(of).length;
  const others = drawn.filter(({ sharp }) => !sharp);
  return {
    settings,
    conditionI: count(({ curvature }) => curvature > CONDITION_I),
    contradictedI: count(({ curvature, ratio }) => curvature > CONDITION_I && ratio <= 1),
    sharp: count(({ sharp }) => sharp),
    contradictedSharp: count(({ sharp, ratio }) => sharp && ratio <= 1),
    others: others.length,
    quadraticCostsMore: others.filter(({ ratio }) => ratio < 1).length,
    quadraticCostsMoreThen: others.filter(({ longRatio }) => longRatio < 1).length,
    largestRatio: Math.max(...others.map(({ ratio }) => ratio)),
  };
}

/** m from 2 to 10, σ and σ_ξ from 0.3 to 3, ‖β₁‖ from 0.03 to 3, b from 0.05 to 5 times √2k'; directions at random. */
function randomSetting(random: RandomStream): Omit<LinearQuadraticPopulation, "norm"> {
  const between = (low: number, high: number): number => low * (high / low) ** random.uniform();
  const m = 2 + Math.floor(9 * random.uniform());
  const [sigmaX, sigmaXi, length] = [between(0.3, 3), between(0.3, 3), between(0.03, 3)];
  const b = between(0.05, 5) * (2 / Math.sqrt(Math.PI)) * sigmaXi;
  const direction = (size: number): number[] => {
    const z = new Float64Array(m);
    random.fillNormals(z);
    const scale = size / Math.hypot(...z);
    return Array.from(z, (value) => scale * value);
  };
  return { beta1: direction(length), beta2: direction(Math.sqrt(b) / sigmaX), sigmaX, sigmaXi };
}
