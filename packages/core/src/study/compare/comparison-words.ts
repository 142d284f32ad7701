import { number, short, signed } from "../words.js";
import type { ComparedCosts, ComparedModel, ComparedQuantity, ComparisonResult } from "./comparison-result.js";

type Told = Pick<ComparisonResult, "models" | "natural" | "relative" | "absolute" | "sizes" | "loss" | "data">;

/** Whether both conventions of the radius are one, since all models see the same columns. */
export const sameAttack = (models: readonly Pick<ComparedModel, "scale">[]): boolean =>
  models.every(({ scale }) => Math.abs(scale - models[0].scale) <= 1e-12 * scale);

/** Models listed in one sentence. */
const LISTED = 6;

/** What a comparison says, one sentence each. */
export function comparisonWords(told: Told): string[] {
  if (told.models.length === 1) return [`${told.models[0].name} is the only model: there is nothing to compare.`];
  return [
    ...naturalWords(told),
    ...costWords(told, "relative"),
    ...(sameAttack(told.models) ? [] : [...costWords(told, "absolute"), ...conventionWords(told)]),
    ...noiseWords(told),
    ...seedWords(told.models),
  ];
}

const percent = (level: number): string => `${short(100 * level)} %`;

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).map((name) => `“${name}”`);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function naturalWords({ models, natural, loss, data }: Told): string[] {
  const [first] = models;
  const where = data.evaluation === "training" ? "training" : "held-out";
  const lead = `“${first.name}” has the lowest ${where} loss, ${number(first.naturalLoss.value, 4)} (${loss.label}).`;
  if (natural.reach === null) return [`${lead} Without intervals nothing is said of chance.`];
  const others = natural.best.filter((place) => place !== 0).map((place) => models[place].name);
  const set =
    others.length === 0
      ? `Every other model's loss is clearly higher, at ${percent(natural.level)} for all pairs at once.`
      : others.length === models.length - 1
        ? `No other model's loss can be told from it, at ${percent(natural.level)} for all pairs at once.`
        : `At ${percent(natural.level)} for all pairs at once, the best model is it or one of ${listOf(others)}: their differences are noise.`;
  return [`${lead} ${set}`];
}

const sizeWords = ({ sizes, models }: Pick<Told, "sizes" | "models">, convention: "relative" | "absolute"): string =>
  sameAttack(models)
    ? `Attacked with ${sizes.referenceScale === 1 ? "" : `ε = ${short(sizes.epsilon)}, that is `}ρ = ${short(sizes.radius)}`
    : convention === "relative"
      ? `Attacked relative to what each model sees (ε = ${short(sizes.epsilon)})`
      : `Attacked with one radius for all (ρ = ${short(sizes.radius)})`;

function costWords(told: Told, convention: "relative" | "absolute"): string[] {
  const { models } = told;
  const costs = told[convention];
  const cheapest = leastOf(costs.cost);
  const { value } = models[cheapest][convention].cost;
  const lead = `${sizeWords(told, convention)}, robustness costs “${models[cheapest].name}” least: ${signed(value)}.`;
  return [[lead, ...leastWords(models, costs.cost), ...frontierWords(models, costs)].join(" ")];
}

/** Whether the least cost can be told from the others. */
function leastWords(models: readonly ComparedModel[], { best, reach, level }: ComparedQuantity): string[] {
  if (reach === null) return [];
  if (best.length === models.length) return ["But no difference of cost to it is clear."];
  return best.length === 1
    ? [`All others cost clearly more, at ${percent(level)} for all pairs at once.`]
    : [`${best.length} of ${models.length} models may cost as little.`];
}

const leastOf = ({ estimates }: ComparedQuantity): number =>
  estimates.reduce((least, value, place) => (value < estimates[least] ? place : least), 0);

function frontierWords(models: readonly ComparedModel[], { frontier, dominated }: ComparedCosts): string[] {
  const names = frontier.map((place) => models[place].name);
  const sentences = [
    frontier.length === 1
      ? `It is also the best by natural loss, so that it dominates all others.`
      : `On the frontier, where less loss costs more, are ${listOf(names)}.`,
  ];
  const by = (clear: readonly (string | null)[]): string[] =>
    dominated.filter((entry) => clear.includes(entry.clear)).map(({ model }) => models[model].name);
  const surely = dominated.filter(({ clear }) => clear === "both");
  if (surely.length > 0) {
    const told = surely
      .slice(0, LISTED)
      .map(({ model, by: rival }) => `“${models[model].name}” by “${models[rival].name}”`);
    const more = surely.length - told.length;
    sentences.push(
      `Clearly dominated (more loss and more cost): ${told.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`,
    );
  }
  const half = by(["natural", "cost"]);
  if (half.length > 0) sentences.push(`Dominated, but clearly in only one of the two: ${listOf(half)}.`);
  const noise = by(["none"]);
  if (noise.length > 0) sentences.push(`Dominated within noise: ${listOf(noise)}.`);
  const unjudged = by([null]);
  if (unjudged.length > 0) sentences.push(`Dominated: ${listOf(unjudged)}.`);
  return sentences;
}

/** Whether the ranking by cost depends on how radii are made comparable (MATH 5). */
function conventionWords({ models, relative, absolute }: Told): string[] {
  const [a, b] = [leastOf(relative.cost), leastOf(absolute.cost)];
  const swaps = swapped(relative.cost.estimates, absolute.cost.estimates);
  if (swaps === 0) return ["Both conventions of the radius rank the models by cost alike."];
  const pairs = (models.length * (models.length - 1)) / 2;
  const cheapest = a === b ? "" : ` (cheapest: “${models[a].name}” against “${models[b].name}”)`;
  return [
    `The ranking by cost depends on how radii are made comparable: the two conventions disagree on ${swaps} of ${pairs} pairs${cheapest}, since a model that sees less is attacked less by the same ε.`,
  ];
}

function swapped(a: readonly number[], b: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) for (let j = 0; j < i; j++) if ((a[i] - a[j]) * (b[i] - b[j]) < 0) count++;
  return count;
}

function noiseWords({ models, natural, relative, absolute }: Told): string[] {
  const costs = sameAttack(models)
    ? ([["of cost", relative.cost]] as const)
    : ([
        ["of cost at the same ε", relative.cost],
        ["of cost at the same ρ", absolute.cost],
      ] as const);
  const shares = [["of natural loss", natural] as const, ...costs];
  const told = shares.flatMap(([what, { reach, estimates }]) => {
    if (reach === null) return [];
    let [noise, pairs] = [0, 0];
    for (let i = 0; i < estimates.length; i++) {
      for (let j = 0; j < i; j++, pairs++) if (Math.abs(estimates[i] - estimates[j]) <= reach[i][j]) noise++;
    }
    return [`${noise} of ${pairs} differences ${what}`];
  });
  return told.length === 0 ? [] : [`Noise, that is within their simultaneous intervals: ${told.join(", ")}.`];
}

function seedWords(models: readonly ComparedModel[]): string[] {
  return models.flatMap(({ name, seeds }) =>
    seeds === null
      ? []
      : [
          `“${name}” from ${seeds.runs.length} seeds: loss ${number(seeds.naturalLoss.median, 4)} (${number(seeds.naturalLoss.least, 4)} to ${number(seeds.naturalLoss.most, 4)}), cost ${signed(seeds.relativeCost.median)} (${signed(seeds.relativeCost.least)} to ${signed(seeds.relativeCost.most)}); intervals are of its median network.`,
        ],
  );
}
