/**
 * Derivatives of networks against PyTorch's double backward in float64, with as many threads; then H⁻¹Φ of a small network by
 * conjugate gradients, alone and behind each preconditioner. Without PyTorch (Debian: python3-torch; AIF_BENCH_PYTHON names
 * another Python) our own times stand alone.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ensureBlas, Matrix, matrixDataset } from "../packages/core/src/index.js";
import { type ModelPoint, pointAt } from "../packages/core/src/influence/local/point.js";
import { adversarialPulls } from "../packages/core/src/influence/local/pull.js";
import { symmetricEigen } from "../packages/core/src/linalg/symmetric.js";
import { perceptron } from "../packages/core/src/models/perceptron.js";
import { asColumns } from "../packages/core/src/models/sweep.js";
import type { SolverChoice } from "../packages/core/src/solvers/choose-solver.js";
import { riskAt } from "../packages/core/src/solvers/model-risk.js";
import { riskOperator } from "../packages/core/src/solvers/risk-operator.js";
import { solveSystem } from "../packages/core/src/solvers/solve.js";
import { trainModel } from "../packages/core/src/solvers/train.js";
import { randomStream } from "../packages/core/src/stats/random.js";
import { lp } from "../packages/core/src/threats/pointwise.js";
import { table } from "./markdown.js";
import { largestDifference, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

interface NetworkCase {
  readonly name: string;
  readonly rows: number;
  readonly widths: readonly number[];
  readonly loss: "softmax" | "squared";
}

interface Times {
  readonly library: string;
  /** Seconds of each round, by what is computed. */
  readonly seconds: Readonly<Record<string, number[]>>;
  /** Of each result u: u'v and ‖u‖. */
  readonly answers: Readonly<Record<string, number[]>>;
}

const IMAGES: NetworkCase = { name: "784-64-10, 5,000 images", rows: 5000, widths: [784, 64, 10], loss: "softmax" };
const SMALL: NetworkCase = { name: "50-32-1, 2,000 rows", rows: 2000, widths: [50, 32, 1], loss: "squared" };
const WARM_UP = 2;
const AGREEMENT = 1e-8;

/** What the functions below share: how often each time is taken, and what computes. */
interface Setting {
  readonly rounds: number;
  readonly description: string;
  readonly threads: number;
}

/** Rows between 0 and 1 like pixels, or normal ones; the target depends on the first features. */
function drawn({ rows, widths, loss }: NetworkCase) {
  const random = randomStream(1);
  const m = widths[0];
  const x = Float64Array.from({ length: rows * m }, () => (loss === "softmax" ? random.uniform() : random.normal()));
  const y = Float64Array.from({ length: rows }, (_, i) => {
    if (loss === "softmax") return Math.floor(10 * x[i * m]);
    return Math.sin(x[i * m]) + x[i * m + 1] * x[i * m + 2] + 0.3 * random.normal();
  });
  return { x, y };
}

const networkOf = ({ widths, loss }: NetworkCase) =>
  perceptron({
    inputs: widths[0],
    hidden: widths.slice(1, -1),
    activation: "tanh",
    loss,
    ...(loss === "softmax" ? { classes: widths.at(-1) ?? 0 } : {}),
  });

async function secondsOf<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const start = performance.now();
  const value = await work();
  return { seconds: (performance.now() - start) / 1000, value };
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, j) => sum + value * b[j], 0);

async function ours(point: ModelPoint, v: Float64Array, { rounds, description }: Setting): Promise<Times> {
  const vector = new Matrix(v, v.length, 1);
  const hessian = riskOperator(point, { curvature: "hessian", withRidge: true });
  const work: Record<string, () => Promise<Float64Array>> = {
    gradient: async () => (await riskAt(point, point.parameters)).gradient,
    Φ: async () => (await adversarialPulls(point, [lp(2)]))[0].penaltyGradient,
    "Hessian product": async () => (await hessian.product(vector)).data,
  };
  const seconds: Record<string, number[]> = {};
  const answers: Record<string, number[]> = {};
  for (const [name, run] of Object.entries(work)) {
    seconds[name] = [];
    for (let round = 0; round < WARM_UP + rounds; round++) {
      const { seconds: time, value } = await secondsOf(run);
      if (round >= WARM_UP) seconds[name].push(time);
      answers[name] = [dot(value, v), Math.sqrt(dot(value, value))];
    }
  }
  return { library: description, seconds, answers };
}

/** null where there is no Python with PyTorch. */
function torch(
  task: NetworkCase,
  data: { x: Float64Array; y: Float64Array },
  theta: Float64Array,
  v: Float64Array,
  { rounds, threads }: Setting,
) {
  const candidates = [process.env["AIF_BENCH_PYTHON"], "/usr/bin/python3", "python3"];
  const python = candidates.find((name) => name && spawnSync(name, ["-c", "import torch"]).status === 0);
  if (!python) return null;
  const [rowsFiles, vectorFiles] = [dataFiles("rows", data), dataFiles("vectors", { x: theta, y: v })];
  try {
    const script = fileURLToPath(new URL("torch_peer.py", import.meta.url));
    const files = [rowsFiles.x, rowsFiles.y, vectorFiles.x, vectorFiles.y];
    const settings = [task.widths.join(","), task.loss, String(rounds), String(threads)];
    const { stdout, stderr, status } = spawnSync(python, [script, ...files, ...settings], { encoding: "utf8" });
    if (status !== 0) throw new Error(`torch_peer.py failed: ${stderr}`);
    return JSON.parse(stdout) as Times;
  } finally {
    rowsFiles.remove();
    vectorFiles.remove();
  }
}

const milliseconds = (values: readonly number[]): string => (1000 * spreadOf(values).median).toFixed(1);

/** At most so many times PyTorch's time. */
const GOAL = 1;
const L2 = 0.01;
const DAMPING = 0.01;
const THIRD = 1 / 3;
/** Of Φ and conjugate gradients for one norm, by the best preconditioner. */
const SECONDS = 1;

/** Rows of the table against PyTorch, and the libraries that took part. */
async function derivatives(setting: Setting): Promise<{ lines: string[][]; libraries: string[] }> {
  const libraries = new Set([setting.description]);
  const lines: string[][] = [];
  for (const task of [IMAGES, SMALL]) {
    const data = drawn(task);
    const model = networkOf(task);
    const theta = model.initialParameters?.(1) ?? new Float64Array(0);
    const v = new Float64Array(theta.length);
    randomStream(2).fillNormals(v);
    const set = matrixDataset(new Matrix(data.x, task.rows, task.widths[0]), data.y);
    const mine = await ours(await pointAt(model, set, theta), v, setting);
    const peer = torch(task, data, theta, v, setting);
    if (peer) libraries.add(peer.library);
    for (const [name, seconds] of Object.entries(mine.seconds)) {
      const difference = peer ? largestDifference(mine.answers[name], peer.answers[name]) : null;
      if (difference !== null && !(difference <= AGREEMENT)) {
        throw new Error(`${task.name}, ${name}: the answers differ by ${difference}, so their times mean nothing.`);
      }
      const theirs = peer?.seconds[name];
      const ratio = theirs ? (spreadOf(seconds).median / spreadOf(theirs).median).toFixed(2) : "-";
      const agreement = difference?.toExponential(1) ?? "PyTorch is missing";
      lines.push([
        `${task.name}: ${name}`,
        milliseconds(seconds),
        theirs ? milliseconds(theirs) : "-",
        ratio,
        agreement,
      ]);
    }
  }
  return { lines, libraries: [...libraries] };
}

/** Rows of the table of solvers, and what they were solved at. */
async function solvers(): Promise<{ lines: string[][]; words: string }> {
  const data = drawn(SMALL);
  const set = matrixDataset(new Matrix(data.x, SMALL.rows, SMALL.widths[0]), data.y);
  const model = networkOf(SMALL);
  const training = await secondsOf(() => trainModel(model, set, { l2: L2, maximumIterations: 1000 }));
  const point = await pointAt(model, set, training.value.parameters, { l2: L2 });
  const operator = riskOperator(point, { curvature: "hessian", withRidge: true });
  const solverLines: string[][] = [];
  let fastest = Number.POSITIVE_INFINITY;
  const least = { nystrom: { passes: 1, all: 1 }, "gauss-newton": { passes: 1, all: 1 } };
  for (const norms of [[2], [1, 2, Number.POSITIVE_INFINITY]]) {
    let plain = { passes: 0, all: 0 };
    for (const [preconditioner, rank] of [
      ["none", 0],
      ["nystrom", 80],
      ["nystrom", 160],
      ["gauss-newton", 0],
    ] as const) {
      const choice: SolverChoice = { name: "cg", preconditioner, rank, memoryBytes: 0, reason: "" };
      const { seconds, value } = await secondsOf(async () => {
        const pulls = await adversarialPulls(
          point,
          norms.map((p) => lp(p)),
        );
        const right = asColumns(pulls.map(({ penaltyGradient }) => penaltyGradient));
        return solveSystem({ operator, damping: DAMPING, right }, choice, { tolerance: 1e-8 });
      });
      const counts = { passes: value.products - value.sketchProducts, all: value.products };
      if (preconditioner === "none") plain = counts;
      else {
        const best = least[preconditioner];
        least[preconditioner] = {
          passes: Math.min(best.passes, counts.passes / plain.passes),
          all: Math.min(best.all, counts.all / plain.all),
        };
      }
      const [inside, each] = [counts.passes, counts.all].map((count) => (count / norms.length).toFixed(0));
      const name = `p = ${norms.join(", ").replace("Infinity", "inf")}: Φ and CG, preconditioner ${preconditioner}${rank > 0 ? ` of rank ${rank}` : ""}`;
      if (norms.length === 1) fastest = Math.min(fastest, seconds);
      const residual = value.relativeResidual.toExponential(1);
      solverLines.push([name, String(value.iterations), inside, each, residual, value.end, seconds.toFixed(2)]);
    }
  }
  const { end, gradientNorm, iterations } = training.value;
  const { values } = symmetricEigen((await operator.matrix?.()) ?? Matrix.zeros(0, 0));
  const dimension = values.reduce((sum, value) => sum + Math.max(0, value) / (Math.max(0, value) + DAMPING), 0);
  const rest = (rank: number): string => (values.at(-1 - rank) ?? 0).toPrecision(2);
  const share = (ratio: number): string => `${(100 * ratio).toFixed(0)} %`;
  const verdict = (met: boolean): string => (met ? "met" : "**missed**");
  const { nystrom, "gauss-newton": layered } = least;
  const words = `${SMALL.name}, trained in ${training.seconds.toFixed(1)} s: ${end} after ${iterations} steps, relative gradient ${gradientNorm.toExponential(1)}, damping ${DAMPING}. Products are those for each norm, in the solve and with its share of the sketch's; the time holds what it takes to form and factorise a preconditioner. Goal: a third of the products of plain conjugate gradients at the same residual: ${verdict(layered.all <= THIRD)} with the Gauss–Newton part, which takes ${share(layered.all)} at best; ${verdict(nystrom.all <= THIRD)} with Nyström's sketch, which takes ${share(nystrom.passes)} in the solve and ${share(nystrom.all)} with the sketch at best: the effective dimension Σ μ/(μ + λ) is ${dimension.toFixed(0)} of ${values.length}, and eigenvalue 81 is still ${rest(80)}, eigenvalue 161 ${rest(160)}, so that no sketch of fewer products leaves a short spectrum. Goal: Φ and conjugate gradients in at most ${SECONDS} s: ${verdict(fastest <= SECONDS)}, ${fastest.toFixed(2)} s.`;
  return { lines: solverLines, words };
}

/** Which goals were met, by the ratios in the table. */
function goalWords(lines: readonly (readonly string[])[]): string {
  const measured = lines.filter(([, , , ratio]) => ratio !== "-");
  const missed = measured.filter(([, , , ratio]) => Number(ratio) > GOAL).map(([name]) => name);
  const verdict = missed.length === 0 ? "met" : `**missed** by ${missed.join("; ")}`;
  return measured.length === 0 ? "" : `Goal: at most PyTorch's time: ${verdict}.`;
}

/** The section of the benchmark, and the libraries that took part. */
export async function networkSection(rounds = 9): Promise<{ text: string; libraries: readonly string[] }> {
  const { description, threads } = await ensureBlas();
  const { lines, libraries } = await derivatives({ rounds, description, threads });
  const { lines: solverLines, words } = await solvers();
  const text = `
## Networks

Medians of ${rounds} rounds, in milliseconds; a ratio below 1 is in our favour. Peers: ${libraries.join("; ")}; ${threads} threads.

${table(["median", "ours [ms]", "PyTorch [ms]", "ratio", "difference"], lines)}

${goalWords(lines)}

${words}

${table(["solver", "passes", "products in the solve", "with the sketch", "residual", "end", "[s]"], solverLines)}
`;
  return { text, libraries };
}
