import { JET_ROWS, type Loss } from "../models/losses.js";

/** ℓ' and ℓ'' of `count` numbers, of the scores from `from` on, in arrays that are used again. */
type Visit = (from: number, count: number, slopes: Float64Array, curvatures: Float64Array) => void;

/** Numbers of rows and draws that are looked at together. */
interface Room {
  readonly slopes: Float64Array;
  readonly other: Float64Array;
}

let room: Room | undefined;

const roomFor = (): Room => (room ??= { slopes: new Float64Array(JET_ROWS), other: new Float64Array(JET_ROWS) });

/** Shows ℓ' and ℓ'' at scores of r rows in K draws (r×K), whole rows at a time. @param K at most `JET_ROWS` */
export function eachDrawnLoss(loss: Loss, scores: Float64Array, y: Float64Array, K: number, visit: Visit): void {
  const each = loss.quadratic ? eachSquared : eachOther;
  const most = Math.floor(JET_ROWS / K);
  for (let first = 0; first < y.length; first += most)
    each(loss, scores, y.subarray(first, first + most), K, first * K, visit);
}

function eachSquared(loss: Loss, scores: Float64Array, y: Float64Array, K: number, from: number, visit: Visit): void {
  const { slopes, other: curvatures } = roomFor();
  const curvature = loss.second(0, 0);
  const count = y.length * K;
  for (let i = 0, at = from, to = 0; i < y.length; i++) {
    const target = y[i];
    for (const end = to + K; to < end; to++, at++) slopes[to] = curvature * (scores[at] - target);
  }
  curvatures.fill(curvature, 0, count);
  visit(from, count, slopes, curvatures);
}

function eachOther(loss: Loss, scores: Float64Array, y: Float64Array, K: number, from: number, visit: Visit): void {
  const { other: targets } = roomFor();
  const count = y.length * K;
  for (let i = 0; i < y.length; i++) targets.fill(y[i], i * K, (i + 1) * K);
  const { slopes, curvatures } = loss.jets(scores.subarray(from, from + count), targets.subarray(0, count));
  visit(from, count, slopes, curvatures);
}
