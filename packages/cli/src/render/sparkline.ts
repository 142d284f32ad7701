import type { CurvePoint, ThreatSection } from "@aif/core";
import { glue, wrap } from "./layout.js";
import { short, signed } from "./numbers.js";

const BLOCKS = "▁▂▃▄▅▆▇█";
const MARKS = 20;
/** Farther than this many trust radii the prediction says nothing worth drawing. */
const REACH = 2.5;
/** Fewer sizes make no curve. */
const LEAST_POINTS = 3;

interface Drawn {
  readonly epsilon: number;
  readonly change: number;
}

/**
 * The predicted change over evenly spaced sizes of the attack, as one line of blocks: from 0 on, to about where the prediction can
 * still be read, straight between the sizes of the table. Its words say over which sizes and between which changes. Empty where there is
 * no curve.
 */
export function sparkline({ curve, trustRadius }: Pick<ThreatSection, "curve" | "trustRadius">): string[] {
  const heldOut = curve.some((point) => point.heldOut !== null);
  const known = pointsOf(curve, heldOut);
  const last = known.at(-1)?.epsilon ?? 0;
  const end = Math.min(last, REACH * (trustRadius ?? Number.POSITIVE_INFINITY));
  if (known.filter(({ epsilon }) => epsilon > 0 && epsilon <= end).length < LEAST_POINTS) return [];
  const heights = Array.from({ length: MARKS }, (_, k) => changeAt(known, (end * k) / (MARKS - 1)));
  const drawn = [...heights, ...known.filter(({ epsilon }) => epsilon <= end).map(({ change }) => change)];
  const [least, most] = [Math.min(...drawn), Math.max(...drawn)];
  if (!(most > least)) return [];
  const blocks = heights.map((height) => BLOCKS[Math.round(((height - least) / (most - least)) * (BLOCKS.length - 1))]);
  const label = heldOut ? "held-out" : "training";
  const [sizes, changes] = [`ε = 0 to ${short(end)}`, `${signed(least, 2)} to ${signed(most, 2)}`];
  return wrap([`${label} change `, blocks.join(""), ` ${sizes}:`, changes].join(" ").replaceAll(" ", glue), {
    indent: 2,
    hang: 4,
  });
}

/** In ascending order of the size, from 0 on, where nothing changes. */
function pointsOf(curve: readonly CurvePoint[], heldOut: boolean): Drawn[] {
  const points = curve.flatMap(({ epsilon, heldOut: held, thisData }) => {
    const change = heldOut ? held?.predicted : thisData.predicted;
    return epsilon > 0 && Number.isFinite(change) ? [{ epsilon, change: change as number }] : [];
  });
  return [{ epsilon: 0, change: 0 }, ...points.toSorted((a, b) => a.epsilon - b.epsilon)];
}

function changeAt(points: readonly Drawn[], epsilon: number): number {
  const k = Math.max(
    1,
    points.findIndex((point) => point.epsilon >= epsilon),
  );
  const [before, after] = [points[k - 1], points[k]];
  const share = (epsilon - before.epsilon) / (after.epsilon - before.epsilon);
  return before.change + share * (after.change - before.change);
}
