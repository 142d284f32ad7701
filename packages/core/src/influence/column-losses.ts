import { JET_ROWS, type Loss } from "../models/losses.js";

/** ℓ' and ℓ'' of `count` numbers, of the scores from `from` on, in arrays that are used again. */
type Visit = (from: number, count: number, slopes: Float64Array, curvatures: Float64Array) => void;

/** Numbers of rows and columns that are looked at together. */
class Room {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
  readonly targets: Float64Array;

  constructor(readonly numbers: number) {
    [this.slopes, this.curvatures, this.targets] = [0, 1, 2].map(() => new Float64Array(numbers));
  }
}

let room = new Room(0);

/** Shows ℓ' and ℓ'' at K scores of each of r rows (r×K), whole rows at a time. */
export function eachColumnLoss(loss: Loss, scores: Float64Array, y: Float64Array, K: number, visit: Visit): void {
  const numbers = Math.max(JET_ROWS, K);
  if (room.numbers < numbers) room = new Room(numbers);
  const { slopes, curvatures } = room;
  const find = loss.quadratic ? findSquared : findOther;
  const most = Math.floor(numbers / K);
  for (let first = 0; first < y.length; first += most) {
    const targets = y.subarray(first, first + most);
    const count = targets.length * K;
    find(loss, scores.subarray(first * K, first * K + count), targets, K);
    visit(first * K, count, slopes, curvatures);
  }
}

function findSquared(loss: Loss, scores: Float64Array, y: Float64Array, K: number): void {
  const { slopes, curvatures } = room;
  const curvature = loss.second(0, 0);
  for (let i = 0, at = 0; i < y.length; i++) {
    const target = y[i];
    for (const end = at + K; at < end; at++) slopes[at] = curvature * (scores[at] - target);
  }
  curvatures.fill(curvature, 0, scores.length);
}

function findOther(loss: Loss, scores: Float64Array, y: Float64Array, K: number): void {
  const { slopes, curvatures, targets } = room;
  for (let i = 0; i < y.length; i++) targets.fill(y[i], i * K, (i + 1) * K);
  for (let from = 0; from < scores.length; from += JET_ROWS) {
    const to = Math.min(from + JET_ROWS, scores.length);
    const bends = loss.bends(scores.subarray(from, to), targets.subarray(from, to));
    slopes.set(bends.slopes, from);
    curvatures.set(bends.curvatures, from);
  }
}
