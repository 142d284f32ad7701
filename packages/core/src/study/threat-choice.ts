import { type DescribedColumns, EncodedDataset } from "../data/encoded-dataset.js";
import type { FeatureInfo } from "../data/encoding.js";
import { listed, quoted, unknownColumn } from "../data/names.js";
import { inputError, usageError } from "../errors.js";
import { divergence } from "../threats/divergence.js";
import { lp, type ThreatDescription } from "../threats/pointwise.js";
import { wasserstein } from "../threats/wasserstein.js";
import type { StudySettings } from "./settings.js";

/** What the adversary may touch, resolved to features. */
export interface Reach {
  /** m, in the model's units: 1 without --budget, 0 = frozen. */
  readonly budgets: Float64Array;
  readonly bounds: { readonly lower: Float64Array; readonly upper: Float64Array } | null;
  readonly attacked: readonly FeatureInfo[];
  readonly frozen: readonly FeatureInfo[];
  /** Columns frozen, for the settings. */
  readonly frozenColumns: readonly string[];
}

/** `--freeze none` freezes nothing, unless a column has that name. */
const NOTHING = "none";

/**
 * Resolves --freeze, --budget and --bounds, which speak column names and original units. Indicators and two-valued columns
 * are frozen unless `--freeze none` or a budget says otherwise.
 * @param uses whether the model looks at a feature at all (a basis may leave some out)
 * @throws input: an unknown column; a row outside its bounds. usage: nothing left to attack, crossed bounds.
 */
export function resolveReach(
  settings: StudySettings,
  data: DescribedColumns,
  uses: (feature: number) => boolean,
  nearestRow: NearestRow = data instanceof EncodedDataset ? rowWith(data) : () => null,
): Reach {
  const { featureInfo: features, encoding } = data;
  if (settings.divergence !== null) return untouched(features);
  const columns = new Set(features.map(({ column }) => column));
  const check = columnCheck(columns);
  const budgets = reachBudgets(settings, data, uses);
  const attacked = features.filter((_, k) => budgets[k] > 0);
  if (attacked.length === 0) {
    const { nothing } = namedFrozen(settings, columns);
    if (settings.budgets)
      throw usageError("--budget leaves nothing to attack: give a budget above 0 to a column that the model uses.");
    throw usageError(
      settings.freeze && !nothing
        ? "--freeze leaves nothing to attack: freeze fewer columns."
        : `All features (${listed([...columns], 5)}) are indicators or two-valued, which are frozen by default: name what can be attacked with --budget, or use --freeze none.`,
    );
  }
  const frozen = features.filter((_, k) => budgets[k] === 0);
  const touched = new Set(attacked.map(({ column }) => column));
  return {
    budgets,
    bounds: boundsOf(settings, features, check, nearestRow),
    attacked,
    frozen,
    frozenColumns: encoding.columns.map(({ column }) => column).filter((column) => !touched.has(column)),
  };
}

/** How far each feature may move (m): 0 where it is frozen, or the model does not look at it. @throws as `resolveReach` */
export function reachBudgets(
  settings: StudySettings,
  { featureInfo: features }: Pick<EncodedDataset, "featureInfo">,
  uses: (feature: number) => boolean,
): Float64Array {
  const columns = new Set(features.map(({ column }) => column));
  const check = columnCheck(columns);
  const { named, nothing } = namedFrozen(settings, columns);
  if (!nothing) for (const name of named) check("--freeze", name);
  const wanted = settings.budgets
    ? budgetsOf(settings.budgets, features, check)
    : Float64Array.from(features, ({ kind, twoValued, column }) => {
        const byDefault = !nothing && (kind === "indicator" || twoValued);
        return byDefault || (!nothing && named.includes(column)) ? 0 : 1;
      });
  // What the model does not look at cannot be attacked, and does not count in c.
  return wanted.map((budget, k) => (uses(k) ? budget : 0));
}

/** The columns of --freeze, or that it freezes nothing. */
function namedFrozen({ freeze }: StudySettings, columns: ReadonlySet<string>) {
  const named = freeze ?? [];
  return { named, nothing: named.length === 1 && named[0] === NOTHING && !columns.has(NOTHING) };
}

const columnCheck =
  (columns: ReadonlySet<string>) =>
  (option: string, name: string): void => {
    if (!columns.has(name)) throw unknownColumn(`column for ${option} called`, name, "The model", [...columns]);
  };

/** An adversary that reweights rows touches no feature, and freezes none. */
const untouched = (features: readonly FeatureInfo[]): Reach => ({
  budgets: new Float64Array(features.length),
  bounds: null,
  attacked: [],
  frozen: [],
  frozenColumns: [],
});

/** ‖δ ⊘ b‖ in original units is ‖δ/scale ⊘ b/scale‖ in the model's. */
function budgetsOf(
  given: NonNullable<StudySettings["budgets"]>,
  features: readonly FeatureInfo[],
  check: (option: string, name: string) => void,
): Float64Array {
  const byColumn = new Map<string, number>();
  for (const { column, budget } of given) {
    check("--budget", column);
    if (!(budget === 0 || (budget >= 1e-100 && budget < Infinity)))
      throw usageError(`--budget of ${quoted(column)} must be 0 or a number from 1e-100 on, got ${budget}.`);
    if (byColumn.has(column)) throw usageError(`--budget names ${quoted(column)} twice.`);
    byColumn.set(column, budget);
  }
  return Float64Array.from(features, ({ column, scale }) => (byColumn.get(column) ?? 0) / scale);
}

function boundsOf(
  settings: StudySettings,
  features: readonly FeatureInfo[],
  check: (option: string, name: string) => void,
  nearestRow: NearestRow,
): Reach["bounds"] {
  if (settings.bounds.length === 0) return null;
  const lower = new Float64Array(features.length).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(features.length).fill(Number.POSITIVE_INFINITY);
  for (const bound of settings.bounds) {
    check("--bounds", bound.column);
    if (!(bound.lower <= bound.upper)) {
      throw usageError(`--bounds of ${quoted(bound.column)} are crossed: ${bound.lower} is above ${bound.upper}.`);
    }
    features.forEach(({ column, mean, scale, minimum, maximum }, k) => {
      if (column !== bound.column) return;
      if (minimum < bound.lower || maximum > bound.upper) {
        const value = minimum < bound.lower ? minimum : maximum;
        const row = nearestRow(k, value);
        throw inputError(
          `--bounds ${bound.lower}:${bound.upper} of ${quoted(column)} leave out rows: ${row ?? "one"} has ${value}, the ${minimum < bound.lower ? "smallest" : "largest"} value there. Widen the bounds.`,
        );
      }
      lower[k] = (bound.lower - mean) / scale;
      upper[k] = (bound.upper - mean) / scale;
    });
  }
  return { lower, upper };
}

/** The row whose value of feature k is nearest to a value in original units, in words; null where rows are not at hand. */
export type NearestRow = (k: number, value: number) => string | null;

const rowWith =
  (data: EncodedDataset): NearestRow =>
  (k, value) => {
    const { mean, scale } = data.featureInfo[k];
    let best = 0;
    let distance = Number.POSITIVE_INFINITY;
    for (const { x, firstRow } of data.blocks()) {
      for (let i = 0; i < x.rows; i++) {
        const away = Math.abs(x.data[i * x.columns + k] * scale + mean - value);
        if (away < distance) [best, distance] = [firstRow + i, away];
      }
    }
    return data.placeOf(best);
  };

/** The pointwise adversary of one norm with this reach. */
export const threatOf = (p: number, { budgets, bounds }: Reach): ThreatDescription =>
  lp(p, bounds ? { budgets, bounds } : { budgets });

/** The adversaries of an analysis: one for each norm, whose rows may share a budget, or the one that reweights rows. */
export function threatsOf(
  { norms, wasserstein: u, divergence: name }: Pick<StudySettings, "norms" | "wasserstein" | "divergence">,
  reach: Reach,
): ThreatDescription[] {
  if (name !== null) return [divergence(name)];
  const rowwise = norms.map((p) => threatOf(p, reach));
  return u === null ? rowwise : rowwise.map((threat) => wasserstein(u, threat));
}
