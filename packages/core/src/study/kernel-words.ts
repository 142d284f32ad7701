import type { EncodedDataset } from "../data/encoded-dataset.js";
import { LOSSES } from "../models/losses.js";
import type { JudgedLoss } from "./local-metrics.js";

/** How the squared loss of a kernel regression is called, by the kind of target. */
export function kernelLoss({ encoding: { target } }: EncodedDataset): {
  readonly judged: JudgedLoss;
  readonly label: string;
  readonly unit: string;
} {
  if (target.task === "multiclass") {
    return { judged: "one-hot", label: "mean squared distance to one-hot classes", unit: "squared score units" };
  }
  if (target.task === "binary") {
    return { judged: "signs", label: "mean squared distance to ±1", unit: "squared score units" };
  }
  return { judged: "squared", label: LOSSES.squared.label, unit: LOSSES.squared.unit(target.column) };
}

/** Steps of the search for the worst case of a row: its cost grows with the rows that every step looks at. */
export const searchSteps = (rows: number): number => (rows > 1000 ? 8 : 20);
