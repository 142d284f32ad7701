/** Models without a closed form, end to end; the truths are the closed forms, actual training and plain loops. */
import { describe, expect, it } from "vitest";
import { AifError, analyze, DEFAULT_SETTINGS, type StudySettings, verify } from "../../src/index.js";
import type { Matrix } from "../../src/linalg/matrix.js";
import { NO_PRECONDITIONER } from "../../src/solvers/preconditioner.js";
import { evaluateLocal } from "../../src/study/local-evaluation.js";
import { prepareLocal } from "../../src/study/local-prepare.js";
import { preconditionerOf } from "../../src/study/local-response.js";
import { drawsOf } from "../long.js";
import { savedTensors } from "../models/import/safetensors-writer.js";
import { Random, relativeError } from "../models/naive.js";
import { categorical, houses, leaves, loans, numeric, table } from "./tables.js";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const settings = (changes: Partial<StudySettings>, local: Partial<StudySettings["local"]> = {}): StudySettings => ({
  ...DEFAULT_SETTINGS,
  target: "kind",
  evaluation: { kind: "training" },
  epsilons: [0.001],
  ...changes,
  local: { ...DEFAULT_SETTINGS.local, ...local },
});

/** Three overlapping clouds in the plane. */
function clouds(n = 150, seed = 3) {
  const random = new Random(seed);
  const names = ["ash", "beech", "cedar"];
  const kinds = Array.from({ length: n }, (_, i) => names[i % 3]);
  const x = kinds.map((_, i) => [0, 1.2, 0.3][i % 3] + random.normal());
  const y = kinds.map((_, i) => [0, 0.2, 1.5][i % 3] + random.normal());
  return table([numeric("x", x), numeric("y", y), categorical("kind", kinds)], "clouds.csv");
}

/** The same with few of the third. */
function unevenClouds() {
  const { source, columns } = clouds(210);
  const kept = Array.from({ length: 210 }, (_, i) => i).filter((i) => i % 3 < 2 || i % 5 === 0);
  const [x, y, kind] = columns.map((column) =>
    column.kind === "numeric"
      ? numeric(
          column.name,
          kept.map((i) => column.values[i]),
        )
      : categorical(
          column.name,
          kept.map((i) => column.levels[column.codes[i]]),
        ),
  );
  return table([x, y, kind], source);
}

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AifError)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error.message;
};

describe("a softmax model", () => {
  it("is predicted as adversarial training moves it", async () => {
    const { threats, data, fit } = await verify({
      table: clouds(),
      settings: settings({ model: "softmax", l2: 0.02 }),
    });
    const [point] = threats[0].curve;
    expect(data.classes).toEqual(["ash", "beech", "cedar"]);
    expect(threats[0].local?.kind).toBe("influence");
    expect(fit.gradientNorm).toBeLessThan(1e-8);
    expect(point.optimum?.method).toBe("adversarial-training");
    expect(point.relativeParameterError).toBeLessThan(0.02);
    expect(Math.abs((point.lossRatio ?? 0) - 1)).toBeLessThan(0.02);
    expect(Math.abs((point.stationarity ?? 1) - (point.relativeParameterError ?? 0))).toBeLessThan(0.01);
  });

  it.each([
    { kind: "cv", folds: 3 },
    { kind: "fraction", share: 0.4 },
  ] as const)("bends as the costs do where classes are balanced in training alone: %o", async (evaluation) => {
    const e = 2e-4;
    const { result } = await analyze({
      table: unevenClouds(),
      settings: settings({ model: "softmax", l2: 0.02, classWeight: "balanced", evaluation, epsilons: [e, 2 * e] }),
    });
    const [{ curve, sensitivity }] = result.threats;
    const { slope, curvature } = sensitivity.heldOut ?? { slope: Number.NaN, curvature: Number.NaN };
    // cost = slope·ε + curvature·ε² + O(ε³), of which two sizes take the last away.
    const [one, two] = curve.map(({ cost, epsilon }) => ((cost ?? Number.NaN) / epsilon - slope) / epsilon);
    expect(relativeError([curvature], [2 * one - two])).toBeLessThan(1e-4);
  });

  it("is judged on folds that have not seen the rows, with intervals and metrics of classes", async () => {
    const { result } = await analyze({
      table: clouds(),
      settings: settings({ model: "softmax", l2: 0.02, evaluation: { kind: "cv", folds: 5 }, epsilons: [0.001, 0.2] }),
    });
    const [small, large] = result.threats[0].curve;
    expect(result.fit.heldOutLoss).toBeGreaterThan(result.fit.trainingLoss);
    expect(Object.keys(small.metrics.natural)).toEqual(["accuracy", "balancedAccuracy", "logLoss"]);
    expect(small.metrics.naturalNow["logLoss"]).toBeCloseTo(result.fit.heldOutLoss ?? 0, 12);
    expect(large.robustLossNatural).toBeGreaterThan(small.robustLossNatural);
    expect(large.extrapolated).toBe(true);
    const { slope, curvature } = result.threats[0].sensitivity.heldOut ?? { slope: 0, curvature: 0 };
    expect(small.heldOut?.predicted).toBeCloseTo(slope * 0.001 + curvature * 1e-6, 8);
    expect(small.heldOut?.interval?.[0]).toBeLessThan(small.cost);
    expect(leaves(result).filter(({ value }) => value === undefined)).toEqual([]);
  });
});

describe("folds of a model that conjugate gradients solve", () => {
  const input = (solver: "cg" | "cholesky") => ({
    table: clouds(),
    settings: settings(
      { model: "softmax", l2: 0.02, norms: [2], evaluation: { kind: "cv", folds: 4 }, inference: "none" },
      { solver },
    ),
  });

  it("take the preconditioner of the fit to all rows, and end where a factorisation does", async () => {
    const prepared = await prepareLocal(input("cg"), {});
    const [attack] = prepared.influences;
    const { system } = attack;
    expect(system.choice).toMatchObject({ name: "cg", preconditioner: "kronecker" });
    let [made, applied] = [0, 0];
    const watched = {
      ...system,
      preconditioner: async () => {
        made++;
        const own = (await system.preconditioner()) ?? NO_PRECONDITIONER;
        return { ...own, apply: (residuals: Matrix) => (applied++, own.apply(residuals)) };
      },
    };
    const [found] = await evaluateLocal({ ...prepared, influences: [{ ...attack, system: watched }] }, {});
    expect(made).toBe(1);
    // Two applications a fold at the least: before the first pass, and after it.
    expect(applied).toBeGreaterThanOrEqual(8);
    const [factorised] = await evaluateLocal(await prepareLocal(input("cholesky"), {}), {});
    expect(found.parts).toHaveLength(4);
    found.parts.forEach(({ influence, parameters }, fold) => {
      expect(relativeError(parameters, factorised.parts[fold].parameters)).toBeLessThan(1e-7);
      expect(relativeError(influence, factorised.parts[fold].influence)).toBeLessThan(1e-7);
    });
  });

  it("are given none where the fit to all rows was factorised", async () => {
    const { influences } = await prepareLocal(input("cholesky"), {});
    expect(await preconditionerOf(influences[0], {})).toBeUndefined();
  });
});

describe("classes that the features separate", () => {
  /** Three groups along a line, of which only rows 0 and 1 stand in another's place. */
  const apart = (overlaps: number) => {
    const random = new Random(5);
    const kinds = Array.from({ length: 120 }, (_, i) => ["a", "b", "c"][i % 3]);
    const x = kinds.map((_, i) => [-4, 0, 20][i % 3] + random.normal());
    const z = kinds.map(() => random.normal());
    if (overlaps > 0) x[0] = 0.1;
    if (overlaps > 1) x[1] = 20;
    return table([numeric("x", x), numeric("z", z), categorical("kind", kinds)], "apart.csv");
  };
  const run = (overlaps: number, changes: Partial<StudySettings>) =>
    analyze({ table: apart(overlaps), settings: settings({ model: "softmax", inference: "none", ...changes }) });

  it("have no minimum without a ridge, all of them or some", async () => {
    for (const overlaps of [0, 1]) {
      expect(await messageOf(run(overlaps, {}))).toMatch(
        /^The features separate the classes .*: .*"[abc]: x".* grow without end\. Add a ridge such as --l2 0\.001/,
      );
    }
    expect((await run(0, { l2: 0.001 })).result.fit.gradientNorm).toBeLessThan(1e-8);
    expect((await run(2, {})).result.fit.gradientNorm).toBeLessThan(1e-8);
  });

  it("also where one fold holds what keeps them together", async () => {
    const folds = { evaluation: { kind: "cv", folds: 10 } } as const;
    expect(await messageOf(run(2, folds))).toMatch(
      /^The model fitted without fold \d+ of 10, to be judged on it, fails: The features separate .* --evaluation training or a file of rows needs no folds\.$/,
    );
    expect((await run(2, { ...folds, l2: 0.001 })).result.fit.heldOutLoss).toBeLessThan(1);
  });
});

describe("an imported linear model", () => {
  const start = {
    coef_: [[0.05, -0.08]],
    intercept_: [-1.3],
    classes_: ["no", "yes"],
    feature_names_in_: ["income", "debt"],
  };
  const imported = (changes: Partial<StudySettings["local"]>, coefficients: unknown = start) => ({
    table: loans(),
    importedModel: bytes(coefficients),
    settings: settings({ target: "repaid" }, { import: "model.json", ...changes }),
  });

  it("of one score is given two labels, not more", async () => {
    const three = Array.from({ length: loans().rows }, (_, i) => ["no", "yes", "maybe"][i % 3]);
    const columns = loans().columns.map((column) => (column.name === "repaid" ? categorical("repaid", three) : column));
    const message = await messageOf(analyze({ ...imported({}), table: { ...loans(), columns } }));
    expect(message).toMatch(/"repaid" holds 3 labels \("maybe", "no", "yes"\), but model\.json gives one number a row/);
  });

  it("says which column holds text where numbers belong", async () => {
    const { feature_names_in_: _, ...bare } = start;
    const plain = loans();
    const columns = plain.columns.map((column) =>
      column.kind === "numeric" && column.name === "debt"
        ? categorical(
            "debt",
            Array.from(column.values, (value, i) => (i === 4 ? "n.a." : String(value))),
          )
        : column,
    );
    const run = (weights: unknown) => analyze({ ...imported({}, weights), table: { ...plain, columns } });
    expect(await messageOf(run(start))).toMatch(/takes the column "debt" as numbers, but in the table it holds text/);
    expect(await messageOf(run(bare))).toMatch(/takes 2 features .*the table has 1 \("income"\) and text in "debt"/);
  });

  it("without names of features is named after the columns that it is given", async () => {
    const { feature_names_in_: _, ...bare } = start;
    const byPlace = await analyze(imported({}, bare));
    expect(byPlace.result.model.parameters).toEqual(["income", "debt", "(intercept)"]);
    const chosen = await analyze(
      imported({ columns: ["income", "debt"] }, { ...start, feature_names_in_: ["a", "b"] }),
    );
    expect(chosen.result.model.parameters).toEqual(["income", "debt", "(intercept)"]);
  });

  it("of numbers takes scikit-learn's alpha, λ = 2α/n", async () => {
    const ridge = (changes: Partial<StudySettings>, loss: StudySettings["loss"] = null) => ({
      table: houses(),
      importedModel: bytes({ coef_: [0.3, 1], intercept_: 2 }),
      settings: settings(
        { target: "price", loss, inference: "none", ...changes },
        { import: "ridge.json", columns: ["area", "age"], force: true },
      ),
    });
    const rows = houses().rows;
    const parametersOf = async (given: ReturnType<typeof ridge>) => (await analyze(given)).result.fit.parameters;
    expect(await parametersOf(ridge({ alpha: 30 }))).toEqual(await parametersOf(ridge({ l2: 60 / rows })));
    const half = { loss: "half-squared" } as const;
    expect(await parametersOf(ridge({ ...half, alpha: 30 }))).toEqual(
      await parametersOf(ridge({ ...half, l2: 30 / rows })),
    );
    const scores = imported({});
    const stray = analyze({ ...scores, settings: { ...scores.settings, alpha: 1 } });
    expect(await messageOf(stray)).toMatch(/^--alpha is the penalty of scikit-learn's Ridge: use --C or --l2/);
  });

  it("that predicts every row with certainty has nothing to be differentiated", async () => {
    const table = loans();
    const [income] = table.columns.flatMap((column) => (column.kind === "numeric" ? [column] : []));
    const labels = Array.from(income.values, (value) => (value > 30 ? "yes" : "no"));
    const apart = { ...table, columns: [income, categorical("repaid", labels)] };
    const sure = { ...start, coef_: [[1e4]], intercept_: [-3e5], feature_names_in_: [income.name] };
    const given = (weights: unknown) => ({ ...imported({ polish: false }, weights), table: apart });
    expect(await messageOf(analyze(given(sure)))).toMatch(
      /^model\.json predicts every row with certainty .* give --scaler or --input-scale/,
    );
    const soft = { ...sure, coef_: [[0.2]], intercept_: [-6] };
    expect((await analyze(given(soft))).result.fit.imported?.naturalLoss).toBeGreaterThan(0);
  });

  it("in a file that could run code is refused with what to write instead", async () => {
    for (const [file, words] of [
      ["net.pt", /torch\.onnx\.export/],
      ["model.joblib", /coef_, intercept_ and classes_ as JSON/],
      ["model.keras", /as ONNX/],
    ] as const) {
      expect(await messageOf(analyze(imported({ import: file })))).toMatch(words);
    }
  });

  it("names a row whose label is no class of it, and labels that are too many", async () => {
    const strange = imported({ classes: ["no", "maybe"] });
    const column = strange.table.columns.find(({ name }) => name === "repaid");
    const row = column?.kind === "categorical" ? column.codes.indexOf(column.levels.indexOf("yes")) + 1 : Number.NaN;
    const { source } = strange.table;
    expect(await messageOf(analyze(strange))).toBe(
      `${source}: target column "repaid" holds "yes" (data row ${row}), which is no class of model.json; its classes are "no", "maybe".`,
    );
    const three = {
      coef_: [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      intercept_: [0, 0, 0],
      feature_names_in_: ["income", "debt"],
    };
    expect(await messageOf(analyze(imported({}, three)))).toMatch(
      /target column "repaid" holds 2 labels \("no", "yes"\), but model\.json tells 3 classes apart and does not name them; .*--classes\.$/,
    );
  });

  it("is the closed form once it is polished", async () => {
    const polished = await analyze(imported({}));
    const exact = await analyze({
      table: loans(),
      settings: settings({ target: "repaid", model: "logistic", standardize: false }),
    });
    const byName = (result: typeof exact.result, vector: readonly number[]) =>
      Object.fromEntries(result.model.parameters.map((name, j) => [name.replace(/^.*intercept.*$/i, "b"), vector[j]]));
    const [ours, theirs] = [polished.result, exact.result].map((result) => byName(result, result.threats[0].influence));
    expect(Object.keys(ours).sort()).toEqual(["b", "debt", "income"]);
    for (const name of Object.keys(ours)) expect(ours[name] / theirs[name]).toBeCloseTo(1, 6);
    const [a, b] = [polished.result.threats[0], exact.result.threats[0]];
    expect(a.curve[0].thisData.predicted / b.curve[0].thisData.predicted).toBeCloseTo(1, 5);
    expect(a.curve[0].robustLossNatural).toBeCloseTo(b.curve[0].robustLossNatural, 8);
    expect(a.sensitivity.training.curvature / b.sensitivity.training.curvature).toBeCloseTo(1, 6);
  });

  it("says how far the minimum is from what was given", async () => {
    const { result } = await analyze(imported({}));
    const polish = result.fit.imported?.polish;
    const { columns, rows } = loans();
    const [income, debt] = columns.map((column) => (column.kind === "numeric" ? column.values : []));
    const names = result.model.parameters;
    const at = (pattern: RegExp) => result.fit.parameters[names.findIndex((name) => pattern.test(name))];
    const [before, after] = [
      [0.05, -0.08, -1.3],
      [at(/income/), at(/debt/), at(/intercept/)],
    ].map(([a, b, c]) => Array.from({ length: rows }, (_, i) => a * income[i] + b * debt[i] + c));
    const mean = before.reduce((sum, f) => sum + f / rows, 0);
    const moved = after.reduce((sum, f, i) => sum + (f - before[i]) ** 2, 0);
    const spread = before.reduce((sum, f) => sum + (f - mean) ** 2, 0);
    expect(polish?.scoreShift).toBeCloseTo(Math.sqrt(moved / spread), 10);
    expect(polish?.naturalLoss).toBeCloseTo(result.fit.trainingLoss, 12);
    const flag = result.flags.find(({ code }) => code === "polish-moved");
    expect(flag?.message).toMatch(
      /^model\.json was brought to the minimum without a ridge, since none was given: that moved its scores by [\d.]+ % of their spread and its parameters by [\d.]+ % of their length, and the natural loss from 0\.\d{4} to 0\.\d{4}\.$/,
    );
    expect(flag?.help).toContain("--no-polish");
    const exact = Object.fromEntries(names.map((name, j) => [name, result.fit.parameters[j]]));
    const { "(intercept)": intercept, ...coefficients } = exact;
    const same = await analyze(
      imported({}, { ...start, coef_: [Object.values(coefficients)], intercept_: [intercept] }),
    );
    expect(same.result.flags.map(({ code }) => code)).not.toContain("polish-moved");
    expect((await analyze(imported({ polish: false }))).result.fit.imported?.polish).toBeNull();
  });

  it("is left as it is on request, and says how far from a minimum that is", async () => {
    const { result } = await analyze(imported({ polish: false }));
    expect(result.fit.parameters).toEqual([0.05, -0.08, -1.3]);
    expect(result.threats[0].local?.kind).toBe("damped");
    expect(result.threats[0].local?.relativeShift).toBeGreaterThan(1);
    expect(result.settings.local?.training).toBe("import");
    const { columns, rows } = loans();
    const [income, debt, repaid] = columns;
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      if (income.kind !== "numeric" || debt.kind !== "numeric" || repaid.kind !== "categorical") break;
      const f = 0.05 * income.values[i] - 0.08 * debt.values[i] - 1.3;
      loss += Math.log1p(Math.exp(repaid.levels[repaid.codes[i]] === "yes" ? -f : f)) / rows;
    }
    expect(result.fit.imported?.naturalLoss).toBeCloseTo(loss, 12);
    const codes = result.flags.map(({ code }) => code);
    expect(codes).toContain("not-at-minimum");
    expect(codes).toContain("imported-needs-training-rows");
  });

  it("is not answered by a solver that would run out of iterations", async () => {
    const few = { ...imported({ polish: false, solver: "lissa" }), table: loans(drawsOf(40, 200)) };
    const refusal = await messageOf(analyze(few));
    expect(refusal).toMatch(
      /LiSSA cannot reach .* 10000 steps .*--solver cg.*--damping higher by.*--allow-unconverged/,
    );
  });

  it.runIf(drawsOf(0, 1) > 0)("is, if that is allowed, with a flag", { timeout: 300_000 }, async () => {
    const { result } = await analyze(imported({ polish: false, solver: "lissa", allowUnconverged: true }));
    expect(result.threats[0].solver).toMatchObject({ name: "lissa", converged: false });
    expect(result.flags.filter(({ code }) => code === "unconverged-solver")).toHaveLength(1);
  });

  it("is refused where a constant does better, unless that is forced", async () => {
    const reversed = { ...start, classes_: ["yes", "no"] };
    const refusal = await messageOf(analyze(imported({ polish: false }, reversed)));
    expect(refusal).toMatch(/more than the 0\.6\d+ of a constant: check the columns/);
    const { result } = await analyze(imported({ polish: false, force: true }, reversed));
    expect(result.data.labels).toEqual({ negative: "yes", positive: "no" });
    expect(result.flags.map(({ code }) => code)).toContain("worse-than-constant");
  });

  it("sees its columns through its own scaler, by name or as they are named", async () => {
    const scaled = { coef_: [[1, -0.8]], intercept_: [0.1], classes_: ["no", "yes"] };
    const run = (local: Partial<StudySettings["local"]>, scaler: unknown) =>
      analyze({
        ...imported({ polish: false, columns: ["income", "debt"], ...local }, scaled),
        importedScaler: bytes(scaler),
      });
    const { result } = await run({ scaler: "s.json" }, { mean: [50, 15], scale: [20, 10] });
    expect(result.model.scaler).toEqual({ mean: [50, 15], scale: [20, 10] });
    expect(result.threats[0].originalUnits).toEqual([
      { feature: "income", perRadius: 20 },
      { feature: "debt", perRadius: 10 },
    ]);
    expect(await messageOf(run({ scaler: "s.json" }, { mean: [1], scale: [1] }))).toMatch(
      /"mean" has 1 numbers, expected 2/,
    );
    const turned = await analyze({
      ...imported(
        { polish: false, columns: ["debt", "income"], inputScale: 0.1 },
        { ...scaled, coef_: [[-0.8, 0.5]], intercept_: [-1.3] },
      ),
    });
    expect(turned.result.data.features).toEqual(["debt", "income"]);
    expect(turned.result.threats[0].originalUnits[0].perRadius).toBeCloseTo(10, 12);
  });
});

describe("a network", () => {
  it("is trained to a minimum, and predicted as adversarial training moves it", async () => {
    const { threats, model, fit } = await verify({
      table: houses(),
      settings: settings({ target: "price", model: "mlp:2", epsilons: [1e-4] }),
    });
    expect(model.outputScaler?.mean).toBeGreaterThan(100);
    expect(fit.gradientNorm).toBeLessThan(1e-6);
    expect(threats[0].local?.kind).toBe("influence");
    expect(threats[0].curve[0].relativeParameterError).toBeLessThan(0.05);
  });

  it("with ReLU crosses more kinks the farther it goes", async () => {
    const { result } = await analyze({
      table: loans(),
      settings: settings(
        { target: "repaid", model: "mlp:4", l2: 0.01, epsilons: [0, 1e-4, 0.05, 0.5] },
        { activation: "relu" },
      ),
    });
    const flips = result.threats[0].curve.map(({ flippedUnits }) => flippedUnits ?? Number.NaN);
    expect(flips[0]).toBe(0);
    expect(flips[3]).toBeGreaterThan(0);
    expect(flips).toEqual(flips.toSorted((a, b) => a - b));
  });

  it("shows the spread over seeds, and is the one with the lowest objective", async () => {
    const options = { target: "repaid", model: "mlp:2", l2: 0.01 } as const;
    const { result } = await analyze({
      table: loans(),
      settings: settings(options, { restarts: 3, activation: "softplus" }),
    });
    const [threat] = result.threats;
    const restarts = threat.local?.restarts ?? [];
    const objectives: number[] = [];
    for (const seed of [0, 1, 2]) {
      const { result: alone } = await analyze({
        table: loans(),
        settings: settings({ ...options, seed }, { activation: "softplus" }),
      });
      const { parameters, trainingLoss } = alone.fit;
      const penalised = parameters.filter((_, j) => !/bias/.test(alone.model.parameters[j]));
      const objective = trainingLoss + 0.005 * penalised.reduce((sum, value) => sum + value * value, 0);
      objectives.push(objective);
      expect(restarts.find((one) => one.seed === seed)?.objective).toBeCloseTo(objective, 12);
    }
    expect(restarts[0].objective).toBe(Math.min(...restarts.map(({ objective }) => objective)));
    expect(restarts[0].objective).toBeCloseTo(Math.min(...objectives), 12);
    expect(new Set(restarts.map(({ seed }) => seed))).toEqual(new Set([0, 1, 2]));
    expect(restarts[0].trainingLoss).toBe(result.fit.trainingLoss);
    expect(restarts[0].curvature).toBeCloseTo(threat.sensitivity.training.curvature, 12);
    expect(restarts[0].costs[0]).toBeCloseTo(threat.curve[0].cost, 12);
    expect(result.model.loss).toBe("logistic");
  });

  it("stops early by rows that it does not count, where there is no ridge", async () => {
    const { result } = await analyze({
      table: loans(),
      settings: settings({ target: "repaid", model: "mlp:3", l2: 0, evaluation: { kind: "fraction", share: 0.2 } }),
    });
    expect(result.data).toMatchObject({ rows: 144, evaluationRows: 40 });
    const local = result.threats[0].local;
    expect(local).toMatchObject({ kind: "damped", curvature: "gauss-newton" });
    const curve = local?.dampingCurve ?? [];
    expect(curve[2].damping).toBeCloseTo(result.model.damping, 12);
    expect(curve.map(({ length }) => length)).toEqual(
      curve.map(({ length }) => length).toSorted((a, b) => (b ?? 0) - (a ?? 0)),
    );
  });

  it("names the smallest damping that works, and does not train ten of itself", async () => {
    const raw = { target: "repaid", model: "mlp:3", l2: 0 };
    const indefinite = analyze({
      table: loans(),
      settings: settings(raw, { curvature: "hessian", damping: 1e-9 }),
    });
    const message = await messageOf(indefinite);
    expect(message).toMatch(/not positive definite.*use --damping [\d.e-]+ \(at least [\d.e-]+\)/);
    const least = Number(/at least ([\d.e-]+)\)/.exec(message)?.[1]);
    const enough = await analyze({
      table: loans(),
      settings: settings(raw, { curvature: "hessian", damping: 1.01 * least }),
    });
    expect(enough.result.model.damping).toBe(1.01 * least);
    const folds = analyze({ table: loans(), settings: settings({ ...raw, evaluation: { kind: "cv", folds: 5 } }) });
    expect(await messageOf(folds)).toMatch(/would train 5 networks/);
  });
});

describe("bare weights", () => {
  const file = (entries: Record<string, { shape: number[]; values: number[] }>) =>
    savedTensors(
      Object.fromEntries(
        Object.entries(entries).map(([name, { shape, values }]) => [name, { type: "F64", shape, numbers: values }]),
      ),
    );
  const good = {
    "0.weight": { shape: [2, 2], values: [0.02, -0.03, 0.01, 0.04] },
    "0.bias": { shape: [2], values: [0.1, -0.1] },
    "2.weight": { shape: [1, 2], values: [1.5, -1] },
    "2.bias": { shape: [1], values: [0.2] },
  };
  const run = (entries: Parameters<typeof file>[0], changes: Partial<StudySettings> = {}, local = {}) =>
    analyze({
      table: loans(),
      importedModel: file(entries),
      settings: settings(
        { target: "repaid", loss: "logistic", model: "mlp:2", ...changes },
        { import: "w.safetensors", activation: "tanh", force: true, ...local },
      ),
    });

  it("are a network with the parameters as the file has them", async () => {
    const { result } = await run(good);
    expect(result.fit.parameters).toEqual(Object.values(good).flatMap(({ values }) => values));
    expect(result.model.parameters[0]).toBe("0.weight[0,0]");
    expect(result.settings.local).toMatchObject({ training: "import", activation: "tanh" });
  });

  it("with ReLU say which share of the units the response switches", async () => {
    const deep = {
      ...good,
      "0.bias": { shape: [2], values: [-0.4, -0.9] },
      "2.weight": { shape: [2, 2], values: [1, -0.7, 0.4, 0.8] },
      "2.bias": { shape: [2], values: [0.1, -0.3] },
      "4.weight": { shape: [1, 2], values: [1.5, -1] },
      "4.bias": { shape: [1], values: [0.2] },
    };
    const epsilons = [0, 0.2, 1];
    const { result, coefficients } = await run(deep, { model: "mlp:2,2", epsilons }, { activation: "relu" });
    const [before, ...moved] = coefficients.columns.map(({ values }) => values);
    const rows = loans().columns.flatMap((column) => (column.kind === "numeric" ? [column.values] : []));
    expect(result.data.features).toHaveLength(2);
    /** Which of the four units are on, for each row. */
    const on = (t: readonly number[]): boolean[][] =>
      Array.from(rows[0], (x, i) => {
        const z = rows[1][i];
        const first = [t[0] * x + t[1] * z + t[4], t[2] * x + t[3] * z + t[5]];
        const [a, b] = first.map((value) => Math.max(0, value));
        return [...first, t[6] * a + t[7] * b + t[10], t[8] * a + t[9] * b + t[11]].map((value) => value > 0);
      });
    const shares = moved.map((theta) => {
      const [from, to] = [on(before).flat(), on(theta).flat()];
      return from.filter((value, k) => value !== to[k]).length / from.length;
    });
    const { curve } = result.threats[0];
    curve.forEach(({ flippedUnits }, k) => expect(flippedUnits).toBeCloseTo(shares[k], 12));
    expect(shares[0]).toBe(0);
    expect(shares[2]).toBeGreaterThan(0.01);
    expect((await run(good)).result.threats[0].curve[0].flippedUnits).toBeNull();
  });

  it("are refused with what was expected and found", async () => {
    expect(await messageOf(run(good, { model: "mlp:3" }))).toMatch(/hidden layers \[3\].*holds \[2\]/);
    expect(await messageOf(run(good, {}, { activation: null }))).toMatch(/give --activation/);
    const bad = { ...good, "2.bias": { shape: [1], values: [Number.NaN] } };
    expect(await messageOf(run(bad))).toMatch(/holds NaN at \[0\]/);
    const truncated = analyze({
      table: loans(),
      importedModel: file(good).slice(0, -8),
      settings: settings({ target: "repaid", loss: "logistic" }, { import: "w.safetensors", activation: "tanh" }),
    });
    expect(await messageOf(truncated)).toMatch(/w\.safetensors/);
  });
});

describe("columns times a factor", () => {
  const factor = 0.25;
  /** The same clouds, four times as large. */
  const enlarged = () => {
    const small = clouds();
    const columns = small.columns.map((column) =>
      column.kind === "numeric"
        ? numeric(
            column.name,
            column.values.map((value) => value / factor),
          )
        : column,
    );
    return { ...small, columns };
  };

  it.each(["softmax", "mlp:2"])("are what a %s model trained here sees, its attack too", async (model) => {
    const changes = { model, l2: 0.02, norms: [2, Number.POSITIVE_INFINITY] };
    const scaled = await analyze({ table: enlarged(), settings: settings(changes, { inputScale: factor }) });
    const plain = await analyze({ table: clouds(), settings: settings({ ...changes, standardize: false }) });
    expect(scaled.result.model.scaler).toEqual({ mean: [0, 0], scale: [4, 4] });
    expect(scaled.result.fit.parameters).toEqual(plain.result.fit.parameters);
    scaled.result.threats.forEach(({ scale, influence, originalUnits }, k) => {
      expect(scale).toBe(plain.result.threats[k].scale);
      expect(influence).toEqual(plain.result.threats[k].influence);
      expect(originalUnits[0].perRadius).toBe(4);
    });
  });

  it("also in rows that are held out", async () => {
    const changes = { model: "softmax", l2: 0.02, evaluation: { kind: "cv", folds: 4 } } as const;
    const scaled = await analyze({ table: enlarged(), settings: settings(changes, { inputScale: factor }) });
    const plain = await analyze({ table: clouds(), settings: settings({ ...changes, standardize: false }) });
    expect(scaled.result.fit.heldOutLoss).toBe(plain.result.fit.heldOutLoss);
  });
});

describe("options that say nothing here", () => {
  it.each([
    [settings({}, { damping: 0.1 }), /--damping is for --model softmax/],
    [settings({ model: "mlp:2" }, { force: true }), /--force says something about --import/],
    [settings({ model: "mlp:2,x" }), /needs the widths/],
    [settings({ model: "mlp:2,0" }), /widths of hidden layers are whole numbers from 1/],
    [settings({ model: "mlp:20000,20000" }), /has 400140003 parameters on 2 features, more than the 8000000/],
    [settings({ model: "softmax", loss: "squared" }), /--loss squared does not go with --model softmax/],
    [settings({ model: "softmax" }, { restarts: 3 }), /--restarts trains networks/],
    [settings({ model: "mlp:2", intercept: false }), /the layers of a network have constant terms/],
  ])("are refused (%#)", async (given, message) => {
    expect(await messageOf(analyze({ table: clouds(), settings: given }))).toMatch(message);
  });
});
