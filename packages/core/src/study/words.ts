import type { ThreatSection } from "./result.js";

const unknown = "–";

const BALLS = { chi2: "χ² ball", kl: "KL ball" } as const;

/** How a message names an adversary: "p = 2", "p = 2, u = 1.5", "χ² ball". */
export function threatLabel({
  norm,
  wasserstein,
  divergence,
}: Pick<ThreatSection["threat"], "norm" | "wasserstein" | "divergence">): string {
  if (divergence !== null) return BALLS[divergence];
  return wasserstein === null || wasserstein === "inf" ? `p = ${norm}` : `p = ${norm}, u = ${wasserstein}`;
}

/** A number for people: 3 significant digits unless told otherwise; powers of ten beyond 1e-3 and 1e5. */
export function number(value: number | null, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return unknown;
  if (value === 0) return "0";
  const size = Math.abs(Number(value.toPrecision(digits)));
  if (size >= 1e5 || size < 1e-3) return value.toExponential(digits - 1).replace("e+", "e");
  return size >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
}

/** A number for people without zeros at the end: sizes that the user chose are shown as they were typed. */
export const short = (value: number | null, digits = 3): string =>
  number(value, digits)
    .replace(/(\.\d*?)0+(?=e|$)/, "$1")
    .replace(/\.(?=e|$)/, "");

/** With its sign, as changes are shown. */
export const signed = (value: number | null, digits = 3): string =>
  value !== null && value > 0 ? `+${number(value, digits)}` : number(value, digits);

/** A share as a percentage with one decimal; what is smaller is said to be so. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return unknown;
  return share > 0 && share < 5e-4 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`;
}

/** A relative change, with its sign; what is more than tenfold, or next to nothing, is said to be so. */
export function signedPercent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return unknown;
  const value = 100 * share;
  const sign = value > 0 ? "+" : "";
  if (value !== 0 && Math.abs(value) < 0.01) return "about 0 %";
  return Math.abs(value) >= 1000 ? ">999 %" : `${sign}${number(value, 2)} %`;
}
