import type { VerifiedThreat } from "@aif/core";

/** Whether what stands beside the prediction came from a search for attacks, and not from exact worst cases. */
export const isTrained = ({ local, curve }: VerifiedThreat): boolean =>
  local !== null || curve.some(({ optimum }) => optimum?.method === "joint-search");
