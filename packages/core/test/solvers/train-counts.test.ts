/** Training by hand: the minimum of a least-squares line, what is counted, told and handed on. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix, matrixDataset } from "../../src/index.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { type TrainingOptions, trainModel } from "../../src/solvers/train.js";
import { shuffled } from "../../src/stats/shuffle.js";
import { Random } from "../models/naive.js";
import { lines } from "./lines.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const X = [1, 2, -1];
const Y = [3, 0, 1];
const W = [0.25, 0.25, 0.5];
const data = matrixDataset(Matrix.fromRows(X.map((x) => [x])), Y, { weights: W });
const start = Float64Array.of(2, 1);
const model = { ...lines(1), convex: true, initialParameters: (seed: number) => Float64Array.of(2 + seed, 1) };
const L2 = 0.5;
/** ∇Σwl + Pθ */
const slopesAt = (
  [a, b]: readonly number[] | Float64Array,
  rows: readonly number[] = [0, 1, 2],
  whole = 1,
): [number, number] => {
  const residual = (i: number): number => W[i] * (a * X[i] + b - Y[i]);
  return [
    whole * rows.reduce((sum, i) => sum + residual(i) * X[i], 0) + L2 * a,
    whole * rows.reduce((sum, i) => sum + residual(i), 0),
  ];
};
// (1.75 + ½)a + 0.25b = 0.25, 0.25a + b = 1.25
const A = (0.25 - 0.25 * 1.25) / (2.25 - 0.0625);
const MINIMUM = [A, 1.25 - 0.25 * A];
const lossAt = ([a, b]: readonly number[] | Float64Array): number =>
  X.reduce((sum, x, i) => sum + W[i] * (0.5 * (a * x + b) ** 2 - Y[i] * (a * x + b)), 0);

describe.each(["newton", "lbfgs"] as const)("%s", (method) => {
  test("finds the minimum, with its loss and gradient", async () => {
    const found = await trainModel(model, data, { l2: L2, method, tolerance: 1e-12 });
    MINIMUM.forEach((value, j) => expect(found.parameters[j]).toBeCloseTo(value, 11));
    expect(found).toMatchObject({ method, end: "converged", converged: true, validationLoss: null });
    expect(found.trainingLoss).toBeCloseTo(lossAt(MINIMUM), 11);
    expect(found.gradientNorm).toBeLessThanOrEqual(1e-12);
    // With H of the penalised loss Newton's first step is the whole way.
    if (method === "newton") expect(found.iterations).toBe(1);
    else expect(found.iterations).toBeGreaterThan(1);
  });

  test("terms of the gradient are sized anew where it ended: two looks at a minimum, one where the tolerance is loose", async () => {
    const evaluations = async (tolerance: number): Promise<number> => {
      const told: [number, number][] = [];
      const found = await trainModel(
        model,
        data,
        { l2: L2, method, tolerance, start: Float64Array.from(MINIMUM) },
        {
          onProgress: ({ phase, done, total }) => phase.startsWith("training") && told.push([done, total]),
        },
      );
      expect(found).toMatchObject({ iterations: 0, end: "converged", converged: true });
      expect(told).toEqual(told.map((_, k) => [k + 1, k + 1]));
      return told.length;
    };
    expect([await evaluations(1e-6), await evaluations(1e-2)]).toEqual([2, 1]);
  });

  test("goes on from a start that is near, but not within the tolerance", async () => {
    const near = Float64Array.from(MINIMUM, (value) => value + 1e-5);
    const found = await trainModel(model, data, { l2: L2, method, tolerance: 1e-9, start: near });
    expect(found).toMatchObject({ end: "converged", converged: true });
    expect(found.iterations).toBeGreaterThan(0);
    MINIMUM.forEach((value, j) => expect(found.parameters[j]).toBeCloseTo(value, 8));
  });

  test("its limit is over all stages", async () => {
    // Newton's first step is the whole way.
    for (const maximumIterations of method === "newton" ? [0] : [0, 1, 2]) {
      const short = await trainModel(model, data, { l2: L2, method, tolerance: 1e-13, maximumIterations });
      expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: maximumIterations });
    }
    const whole = await trainModel(model, data, { l2: L2, method, tolerance: 1e-12 });
    const same = await trainModel(model, data, {
      l2: L2,
      method,
      tolerance: 1e-12,
      maximumIterations: whole.iterations,
    });
    expect(same).toEqual(whole);
    const { end, iterations } = await trainModel(model, data, {
      l2: L2,
      method,
      tolerance: 1e-12,
      maximumIterations: whole.iterations - 1,
    });
    expect([end, iterations]).toEqual(["iteration-limit", whole.iterations - 1]);
  });

  test("tells loss and gradient of each look", async () => {
    const told: string[] = [];
    await trainModel(model, data, { l2: L2, method }, { onProgress: ({ phase }) => told.push(phase) });
    const first = told.find((phase) => phase.startsWith("training"));
    const loss = lossAt(start) + 0.5 * L2 * 4;
    const size = Math.max(...slopesAt(start).map(Math.abs));
    expect(first).toBe(`training: loss ${loss.toPrecision(7)}, gradient ${size.toExponential(1)}`);
  });

  test("is cancelled", async () => {
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(trainModel(model, data, { method }, { signal }))).code).toBe("cancelled");
  });
});

test("a convex model is trained by Newton's method, any other by L-BFGS", async () => {
  for (const [convex, method] of [
    [true, "newton"],
    [false, "lbfgs"],
    [undefined, "lbfgs"],
  ] as const) {
    const { convex: _, ...other } = model;
    const found = await trainModel(convex === undefined ? other : { ...model, convex }, data, { l2: L2 });
    expect(found.method).toBe(method);
    expect((await trainModel(model, data, { l2: L2, method: "auto" })).method).toBe("newton");
  }
  // Of no ridge, the default.
  const { parameters } = await trainModel(model, data, { tolerance: 1e-12 });
  expect(1.75 * parameters[0] + 0.25 * parameters[1]).toBeCloseTo(0.25, 11);
});

test("the seed chooses the start, of as many numbers as there are parameters", async () => {
  const began = async (options: TrainingOptions): Promise<number> =>
    (await trainModel(model, data, { ...options, maximumIterations: 0 })).parameters[0];
  expect([await began({}), await began({ seed: 5 }), await began({ seed: 5, start })]).toEqual([2, 7, 2]);
  const error = await refusal(trainModel(model, data, { start: Float64Array.of(1) }));
  expect(error).toMatchObject({ code: "usage", message: 'The model has 2 parameters, but "start" has 1 numbers.' });
});

test("a gradient that is not a number does not pass for converged", async () => {
  const broken = {
    ...model,
    gradient: (...given: Parameters<typeof model.gradient>) => {
      const [first] = model.gradient(...given);
      return Float64Array.of(first === 0 ? 0 : Number.NaN, 0);
    },
  };
  const found = await trainModel(broken, data, { method: "lbfgs" });
  expect(found.converged).toBe(false);
});

describe("Adam", () => {
  /** The published recursion with the default decays. */
  function recursion(rate: number, gradients: readonly ((theta: readonly number[]) => readonly number[])[]): number[] {
    const [m, v] = [
      [0, 0],
      [0, 0],
    ];
    let theta: number[] = [...start];
    gradients.forEach((gradient, t) => {
      const g = gradient(theta);
      theta = theta.map((value, j) => {
        m[j] = 0.9 * m[j] + 0.1 * g[j];
        v[j] = 0.999 * v[j] + 0.001 * g[j] ** 2;
        return value - (rate * m[j]) / (1 - 0.9 ** (t + 1)) / (Math.sqrt(v[j] / (1 - 0.999 ** (t + 1))) + 1e-8);
      });
    });
    return theta;
  }

  test.each([
    [0.25, 3],
    [undefined, 2],
  ])("steps along whole batches with the ridge, at a rate of %s", async (learningRate, epochs) => {
    const found = await trainModel(model, data, {
      l2: L2,
      method: "adam",
      epochs,
      ...(learningRate && { learningRate }),
    });
    const whole = (theta: readonly number[]): readonly number[] => slopesAt(theta);
    const expected = recursion(learningRate ?? 1e-3, new Array(epochs).fill(whole));
    expected.forEach((value, j) => expect(found.parameters[j]).toBeCloseTo(value, 10));
    expect(found).toMatchObject({ method: "adam", end: "epochs-done", iterations: epochs, converged: false });
  });

  test("batches of an epoch are its own shuffle, scaled up to all rows", async () => {
    const batches = [0, 1].flatMap((epoch) => {
      const order = [...shuffled(3, 8, 1_000_000 + epoch)];
      return [order.slice(0, 2), order.slice(2)];
    });
    const found = await trainModel(model, data, {
      l2: L2,
      method: "adam",
      seed: 8,
      epochs: 2,
      batchRows: 2,
      learningRate: 0.1,
      start,
    });
    const expected = recursion(
      0.1,
      batches.map((rows) => (theta: readonly number[]) => slopesAt(theta, rows, 3 / rows.length)),
    );
    expected.forEach((value, j) => expect(found.parameters[j]).toBeCloseTo(value, 10));
    expect(found.iterations).toBe(4);
  });

  test("twenty epochs of 128 rows unless told otherwise", async () => {
    const n = 300;
    const many = matrixDataset(new Matrix(new Float64Array(n).fill(1), n, 1), new Float64Array(n));
    const found = await trainModel(model, many, { method: "adam" });
    expect([found.iterations, found.end]).toEqual([20 * 3, "epochs-done"]);
  });

  test("rows held out: their loss is told, decides which epoch is kept, and ends it", async () => {
    // Steps of about the rate downhill in both: what is held out wants b at 1, where training does not end.
    const validation = matrixDataset(Matrix.fromRows([[0]]), [1]);
    const told: string[] = [];
    const options: TrainingOptions = {
      l2: L2,
      method: "adam",
      learningRate: 0.25,
      epochs: 60,
      validation,
      patience: 2,
    };
    const found = await trainModel(model, data, options, {
      onProgress: ({ phase, done, total }) => told.push(`${phase} ${done}/${total}`),
    });
    expect(found.end).toBe("stopped");
    const [, b] = found.parameters;
    expect(found.validationLoss).toBeCloseTo(0.5 * b * b - b, 13);
    expect(found.iterations).toBeLessThan(60);
    const longer = await trainModel(model, data, { ...options, patience: 1000 });
    expect(longer).toMatchObject({ end: "epochs-done", iterations: 60 });
    const { patience: _, ...patient } = options;
    expect(await trainModel(model, data, patient)).toEqual(longer);
    expect(longer.validationLoss).toBeLessThanOrEqual(found.validationLoss ?? Number.NaN);
  });

  test("progress of its epochs, with the last loss held out", async () => {
    const validation = matrixDataset(Matrix.fromRows([[0]]), [1]);
    const options: TrainingOptions = { method: "adam", epochs: 2, learningRate: 0.25 };
    const plain = await toldProgress((work) => trainModel(model, data, options, work));
    expect(plain.filter(([phase]) => phase === "training")).toEqual([
      ["training", 0, 2],
      ["training", 1, 2],
    ]);
    const told = await toldProgress((work) => trainModel(model, data, { ...options, validation }, work));
    const phases = told.flatMap(([phase]) => (phase.startsWith("training") ? [phase] : []));
    // b begins at 1 and goes down: ½b² − b.
    expect(phases[0]).toBe("training");
    expect(phases[1]).toMatch(/^training: loss -0\.\d{5,} on rows held out$/);
  });

  test("is cancelled between two steps", async () => {
    const controller = new AbortController();
    let calls = 0;
    const stopping = {
      ...model,
      gradient: (...given: Parameters<typeof model.gradient>) => {
        if (++calls === 3) controller.abort();
        return model.gradient(...given);
      },
    };
    const { signal } = controller;
    expect((await refusal(trainModel(stopping, data, { method: "adam" }, { signal }))).code).toBe("cancelled");
    expect(calls).toBe(3);
  });
});

test("a model of shared inputs is trained behind its Gram matrix where that pays", async () => {
  const random = new Random(4);
  const x = Matrix.zeros(60, 6);
  for (let i = 0; i < 60; i++) for (let j = 0; j < 6; j++) x.row(i)[j] = 30 ** (j % 3) * random.normal();
  const rows = matrixDataset(
    x,
    Float64Array.from({ length: 60 }, () => random.below(3)),
  );
  const softmax = softmaxRegression({ features: ["a", "b", "c", "d", "e", "f"], classes: ["x", "y", "z"] });
  let [looked, products] = [0, 0];
  const counting = {
    ...softmax,
    sharedCurvature: (...given: Parameters<NonNullable<typeof softmax.sharedCurvature>>) => {
      if (given[1].x.rows > 0) looked++;
      const found = softmax.sharedCurvature?.(...given);
      if (!found) throw new Error("It gives it.");
      return found;
    },
    keptHessian: (...given: Parameters<NonNullable<typeof softmax.keptHessian>>) => {
      const kept = softmax.keptHessian?.(...given);
      if (!kept) throw new Error("It keeps.");
      return { bytes: kept.bytes, product: (v: Matrix) => (products++, kept.product(v)) };
    },
    hessianProduct: (...given: Parameters<typeof softmax.hessianProduct>) => (
      products++, softmax.hessianProduct(...given)
    ),
  };
  const helped = await trainModel(counting, rows, { l2: 1e-3 });
  expect(helped.end).toBe("converged");
  expect(looked).toBeGreaterThan(0);
  const behind = products;
  products = 0;
  const { sharedCurvature: _, ...bare } = counting;
  const alone = await trainModel(bare, rows, { l2: 1e-3 });
  expect(alone.trainingLoss).toBeCloseTo(helped.trainingLoss, 8);
  expect(behind).toBeLessThan(0.75 * products);
  const cut = await trainModel(bare, rows, { l2: 1e-3, maximumIterations: 2 });
  expect(cut).toMatchObject({ end: "iteration-limit", iterations: 2 });
});
