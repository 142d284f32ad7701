/** The words that every chart of a result says: model, loss with its unit, norm, n. */
import type { DataSection, ModelSection, ThreatSection } from "../study/result.js";
import { short } from "../study/words.js";
import { brief } from "./names.js";

const LONGEST_UNIT = 48;

/** What of a result a caption needs. */
export interface Captioned {
  readonly data: Pick<DataSection, "source" | "rows"> & Partial<Pick<DataSection, "evaluation" | "evaluationRows">>;
  readonly model: Pick<ModelSection, "kind" | "loss" | "lossLabel" | "unit" | "l2" | "scaler">;
}

type NamedThreat = Pick<ThreatSection["threat"], "norm" | "wasserstein" | "divergence">;

/** "l2 attack", "l∞ attack", "Wasserstein-2 attack (l2)", "χ² reweighting". */
export function attackName({ norm, wasserstein = null, divergence = null }: Partial<NamedThreat>): string {
  if (divergence !== null) return `${divergence === "chi2" ? "χ²" : divergence.toUpperCase()} reweighting`;
  const size = `l${norm === "inf" ? "∞" : norm}`;
  return wasserstein === null ? `${size} attack` : `Wasserstein-${wasserstein} attack (${size})`;
}

/** Where a sentence speaks of the loss: "mean squared error, in price²". */
const lossWords = ({ lossLabel, unit }: Captioned["model"]): string => `${lossLabel}, in ${brief(unit, LONGEST_UNIT)}`;

/** The unit as an axis says it. */
export const unitOf = ({ unit }: Pick<ModelSection, "unit">): string => brief(unit, LONGEST_UNIT);

/** "linear model; loss: mean squared error, in price²; l2 attack; n = 800 training rows". */
export function subtitleOf(
  { model }: Pick<Captioned, "model">,
  threat: Partial<NamedThreat> | null,
  rows: string,
): string {
  const ridge = model.l2 === 0 ? "" : `, ridge λ = ${short(model.l2)}`;
  const attack = threat === null ? "" : `; ${attackName(threat)}`;
  return `${brief(model.kind, LONGEST_UNIT)} model${ridge}; loss: ${lossWords(model)}${attack}; ${rows}`;
}

/** Which rows the losses are of: "n = 800 rows, held out (cv:10)". */
export function evaluatedRows({ data: { rows, evaluation, evaluationRows } }: Captioned): string {
  if (evaluation === undefined || evaluation === "training") return trainingRows({ rows });
  const held = evaluation.startsWith("cv:") || evaluation.startsWith("fraction:");
  return `n = ${count(evaluationRows ?? rows)} ${held ? `rows, held out (${evaluation})` : "other rows"}`;
}

export const trainingRows = ({ rows }: { readonly rows: number }): string => `n = ${count(rows)} training rows`;

const count = (amount: number): string => amount.toLocaleString("en-US");
