/** Products of a tall matrix with a narrow one, some rows a part: F = XB, and Q'X. X is read where it lies. */
import type { Need, Products, Stretch } from "./products.js";

interface TallRows<X> {
  readonly parts: number;
  readonly work: number;
  /** r×m */
  readonly x: X;
  readonly rows: number;
  /** m */
  readonly features: number;
  /** k */
  readonly columns: number;
}

export interface ScoresJob<X> extends TallRows<X> {
  readonly kind: "scores";
  /** m×k: B */
  readonly weights: Float64Array;
  /** r×k: F += XB */
  readonly scores: Float64Array;
}

export interface PullJob<X> extends TallRows<X> {
  readonly kind: "pull";
  /** r×k: Q */
  readonly q: Float64Array;
  /** Part by part k×m, added to. */
  readonly sums: Float64Array;
}

/** Numbers of X that a part of each kind has: scores have no sums that parts would have to have each of. */
const PART_NUMBERS = { scores: 1 << 17, pull: 1 << 20 } as const;
/** A number that is read takes as long as so many multiply-adds. */
const READ = 20;

type Kind = keyof typeof PART_NUMBERS;

const rowsOfPart = (kind: Kind, features: number): number => Math.max(1, Math.floor(PART_NUMBERS[kind] / features));

const partsOf = (kind: Kind, rows: number, features: number): number => Math.ceil(rows / rowsOfPart(kind, features));

export const tallParts = (rows: number, features: number): number => partsOf("pull", rows, features);

type Given<Job> = Omit<Job, "kind" | "parts" | "work">;

const tall = <K extends Kind>(
  kind: K,
  { rows, features, columns }: Omit<TallRows<unknown>, "parts" | "work" | "x">,
) => ({
  kind,
  parts: partsOf(kind, rows, features),
  work: rows * features * (columns + READ),
});

export const scoresJob = <X>(job: Given<ScoresJob<X>>): ScoresJob<X> => ({ ...tall("scores", job), ...job });
export const pullJob = <X>(job: Given<PullJob<X>>): PullJob<X> => ({ ...tall("pull", job), ...job });

export function addScores<X>(job: ScoresJob<X>, part: number, { gemm, from: at, stretch }: Products<X>): void {
  const { features: m, columns: k, weights, scores } = job;
  for (const [from, r] of stretches(job, part, stretch))
    gemm(false, false, r, k, m, 1, at(job.x, from * m), m, weights, k, 1, scores.subarray(from * k), k);
}

export function addPull<X>(job: PullJob<X>, part: number, { gemm, from: at, stretch }: Products<X>): void {
  const { features: m, columns: k, q, sums } = job;
  const out = sums.subarray(part * k * m);
  for (const [from, r] of stretches(job, part, stretch))
    gemm(true, false, k, m, r, 1, q.subarray(from * k), k, at(job.x, from * m), m, 1, out, m);
}

/** First rows and lengths of a part's small products. */
function* stretches(
  { kind, rows, features, columns }: ScoresJob<unknown> | PullJob<unknown>,
  part: number,
  { terms }: Stretch,
): Generator<[number, number]> {
  const most = Math.max(1, Math.floor(terms / (features * columns)));
  const end = Math.min(rows, (part + 1) * rowsOfPart(kind, features));
  for (let from = part * rowsOfPart(kind, features); from < end; from += most) yield [from, Math.min(most, end - from)];
}

export const scoresNeeds = ({ x, rows, features: m, columns: k, weights, scores }: ScoresJob<Float64Array>): Need[] => [
  ["X", x, rows * m],
  ["B", weights, m * k],
  ["the scores", scores, rows * k],
];

export const pullNeeds = ({ x, parts, rows, features: m, columns: k, q, sums }: PullJob<Float64Array>): Need[] => [
  ["X", x, rows * m],
  ["Q", q, rows * k],
  ["the sums", sums, parts * k * m],
];
