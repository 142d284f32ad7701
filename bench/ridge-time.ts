/** Whether the ridges of a comparison are worth an eigen-decomposition: what it costs beside the factorisations that it saves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blas, ensureBlas } from "../packages/core/src/linalg/backend.js";
import { Matrix } from "../packages/core/src/linalg/matrix.js";
import { invertHessian } from "../packages/core/src/solvers/inverse-hessian.js";
import { RidgeFamily } from "../packages/core/src/solvers/ridge-family.js";
import { aif, commandTime } from "./command-time.js";
import { table } from "./markdown.js";
import { writeNpy } from "./npy-file.js";
import { normals } from "./random.js";
import { short } from "./report-words.js";
import { spreadOf } from "./statistics.js";

const SIZES = [100, 500, 1000];
const ROUNDS = 5;
const FOLDS = 10;
/** Right-hand sides of one factorisation: the fit's and the influence's. */
const SOLVES = 2;
const COMPARED = { rows: 5000, columns: 500, few: [0.1, 1], many: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] };

/** Processor milliseconds, the median of a few rounds. */
function cost(work: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return spreadOf(times).median;
}

interface RidgeCost {
  readonly d: number;
  readonly decomposition: number;
  /** For one ridge each, solves included. */
  readonly fromIt: number;
  readonly alone: number;
}

function costsOf(d: number): RidgeCost {
  const normal = normals(d);
  const n = 2 * d;
  const x = Float64Array.from({ length: n * d }, normal);
  const gram = Matrix.zeros(d, d);
  blas().syrk(d, n, 1 / n, x, d, 0, gram.data, d);
  const right = x.slice(0, d);
  const penalised = new Uint8Array(d).fill(1);
  penalised[0] = 0;
  const family = new RidgeFamily(gram, penalised);
  const solved = (inverse: ReturnType<typeof invertHessian>): void => {
    for (let k = 0; k < SOLVES; k++) inverse.solve(right);
  };
  return {
    d,
    decomposition: cost(() => new RidgeFamily(gram, penalised)),
    fromIt: cost(() => solved(family.inverse(0.1))),
    alone: cost(() => solved(invertHessian(family.hessian(0.1)))),
  };
}

/** Processor seconds that one more ridge costs a comparison. */
async function comparedRidge(): Promise<number> {
  const { rows, columns, few, many } = COMPARED;
  const folder = mkdtempSync(join(tmpdir(), "aif-ridges-"));
  try {
    const file = join(folder, "rows.npy");
    writeNpy(file, rows, columns, "linear");
    const costOf = async (ridges: readonly number[]): Promise<number> => {
      const words = ["compare", file, "--target", `x${columns + 1}`, "--l2", ridges.join(","), "--threads", "1"];
      return (await commandTime(process.execPath, [aif, ...words, "--quiet"], {})).cpu;
    };
    return ((await costOf(many)) - (await costOf(few))) / (many.length - few.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const paysFrom = ({ decomposition, fromIt, alone }: RidgeCost): string =>
  alone > fromIt ? String(Math.ceil(decomposition / (alone - fromIt))) : "never";

/** The section of the page. */
export async function ridgeSection(tell: (what: string) => void): Promise<string[]> {
  tell("ridges");
  await ensureBlas({ threads: 1 });
  const costs = SIZES.map(costsOf);
  const perModel = await comparedRidge();
  const { rows, columns } = COMPARED;
  const { alone } = costs.find(({ d }) => d === columns) ?? costs[0];
  const share = ((FOLDS + 1) * alone) / 1000 / perModel;
  return [
    "## Ridges from one eigen-decomposition",
    `Processor time of one thread for (G + λP)⁻¹ with ${SOLVES} right-hand sides, native: \`ridgePath\` of the library takes one eigen-decomposition for all ridges, and one for each fold left out.`,
    table(
      [
        "parameters",
        "eigen-decomposition, ms",
        "a ridge from it, ms",
        "a ridge by Cholesky, ms",
        "pays from so many ridges",
      ],
      costs.map((one) => [String(one.d), short(one.decomposition), short(one.fromIt), short(one.alone), paysFrom(one)]),
    ),
    `\`aif compare --l2\` factorises each ridge by itself: a ridge more costs it ${short(perModel)} s on ${rows.toLocaleString("en")} rows of ${columns} columns, of which the ${FOLDS + 1} factorisations (all rows, and ${FOLDS} folds left out) are ${(100 * share).toFixed(0)} %. The rest are passes over the rows under each model's own parameters: losses, attacks and intervals. With fewer ridges than the table says an eigen-decomposition would add to that, and with any number it could save no more than that share.`,
  ];
}
