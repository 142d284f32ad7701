/** What the study concludes, against sums made by hand from its own evaluation rows. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  analyze,
  assignFolds,
  type CurvePoint,
  encode,
  fit,
  influence,
  logistic,
  lp,
  parseCondition,
  type StudySettings,
  type Table,
} from "../../src/index.js";
import { sigmoid, softplus } from "../../src/models/losses.js";
import { type VerdictGround, verdictOf } from "../../src/study/verdict.js";
import { categorical, houses, loans, numeric, settings, table } from "./tables.js";

const run = async (data: Table, changes: Partial<StudySettings> = {}) =>
  (await analyze({ table: data, settings: settings(changes) })).result;

const loan = { target: "repaid", evaluation: { kind: "training" } } as const;

/** θ̂, I, c and the rows of the loans, fitted apart from the study. */
async function loanParts(epsilon: number) {
  const data = encode(loans(), { target: "repaid" });
  const fitted = await fit(logistic(), data);
  const attack = await influence(fitted, lp(2));
  const rows = [...data.blocks()].flatMap(({ x, y }) => Array.from(y, (label, i) => ({ x: [...x.row(i)], y: label })));
  const at = (moved: number, attacked: boolean): number[] => {
    const theta = fitted.parameters.map((value, j) => value + moved * attack.influence[j]);
    const reach = attacked ? epsilon * attack.scale * Math.hypot(...theta.slice(1)) : 0;
    return rows.map(({ x, y }) => {
      const f = x.reduce((sum, value, k) => sum + value * theta[k + 1], theta[0]);
      return softplus(-y * f + reach);
    });
  };
  return { at, rows };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("cost, benefit and mixed training", () => {
  const epsilon = 0.05;
  const rate = 0.3;

  test("are differences of mean losses, also as shares of the natural loss", async () => {
    const { at } = await loanParts(epsilon);
    const result = await run(loans(), { ...loan, epsilons: [epsilon], attackRate: rate });
    const [point] = result.threats[0].curve;
    const natural = mean(at(0, false));
    const cost = mean(at(epsilon, false)) - natural;
    const benefit = mean(at(0, true)) - mean(at(epsilon, true));
    expect(point.cost).toBeCloseTo(cost, 12);
    expect(point.benefit).toBeCloseTo(benefit, 12);
    expect(point.costShare).toBeCloseTo(cost / natural, 12);
    expect(point.benefitShare).toBeCloseTo(benefit / natural, 12);
    const T = result.fit.estimationLoss ?? Number.NaN;
    expect(point.rowsShare).toBeCloseTo(T / (T + cost), 12);
    // d parameters cost about d/(2n) nats.
    expect(T).toBeGreaterThan(0.5 * (3 / 400));
    expect(T).toBeLessThan(2 * (3 / 400));
    const mixedCost = mean(at(rate * epsilon, false)) - natural;
    const mixedBenefit = mean(at(0, true)) - mean(at(rate * epsilon, true));
    expect(point.mixed?.cost).toBeCloseTo(mixedCost, 12);
    expect(point.mixed?.benefit).toBeCloseTo(mixedBenefit, 12);
    expect(point.mixed?.expectedGain).toBeCloseTo(rate * mixedBenefit - (1 - rate) * mixedCost, 12);
    expect(point.mixed?.expectedGainFull).toBeCloseTo(rate * benefit - (1 - rate) * cost, 12);
  });

  test("to leading order the mixture costs π²C and gains π²C (MATH 14.4)", async () => {
    const tiny = await run(loans(), { ...loan, epsilons: [1e-4], attackRate: rate });
    const [{ cost, mixed }] = tiny.threats[0].curve;
    expect((mixed?.cost ?? 0) / cost).toBeCloseTo(rate ** 2, 3);
    expect((mixed?.expectedGain ?? 0) / cost).toBeCloseTo(rate ** 2, 2);
  });

  test("intervals of benefits are paired over rows", async () => {
    const { at } = await loanParts(epsilon);
    const [{ benefit, benefitInterval }] = (await run(loans(), { ...loan, epsilons: [epsilon] })).threats[0].curve;
    const [now, then] = [at(0, true), at(epsilon, true)];
    const gains = now.map((loss, i) => loss - then[i]);
    const se = Math.sqrt(mean(gains.map((gain) => (gain - benefit) ** 2)) / gains.length);
    expect(benefitInterval?.[1]).toBeCloseTo(benefit + 1.959963984540054 * se, 12);
  });
});

describe("groups", () => {
  test("add up to the whole, and the worst is the one that loses most", async () => {
    const result = await run(houses(), { by: "town", epsilons: [0.02, 0.1] });
    const { groups, rows } = result.data as { groups: NonNullable<typeof result.data.groups>; rows: number };
    expect(groups.names).toEqual(["Ahaus", "Borken", "Coesfeld"]);
    expect(groups.rows.reduce((a, b) => a + b)).toBe(rows);
    for (const point of result.threats[0].curve) {
      const parts = point.groups ?? [];
      const total = (pick: "cost" | "benefit") =>
        parts.reduce((sum, part, g) => sum + (groups.rows[g] / rows) * (part[pick] ?? 0), 0);
      expect(total("cost")).toBeCloseTo(point.cost, 8);
      expect(total("benefit")).toBeCloseTo(point.benefit, 8);
      expect(point.worstGroup).toBe(parts.toSorted((a, b) => (b.cost ?? 0) - (a.cost ?? 0))[0].name);
      for (const { cost, costInterval } of parts) {
        expect(costInterval?.[0]).toBeLessThan(cost ?? 0);
        expect(costInterval?.[1]).toBeGreaterThan(cost ?? 0);
      }
    }
  });
});

describe("clusters and class weights", () => {
  const site = (n: number) =>
    categorical(
      "site",
      Array.from({ length: n }, (_, i) => `s${Math.floor(i / 5)}`),
    );

  test("rows that come five times each, as clusters, give the intervals of the rows themselves", async () => {
    const single = loans(80);
    const five: Table = {
      ...single,
      rows: 400,
      columns: [
        ...single.columns.map((column) =>
          column.kind === "numeric"
            ? { ...column, values: Float64Array.from({ length: 400 }, (_, i) => column.values[Math.floor(i / 5)]) }
            : { ...column, codes: Int32Array.from({ length: 400 }, (_, i) => column.codes[Math.floor(i / 5)]) },
        ),
        site(400),
      ],
    };
    const alone = await run(single, { ...loan, epsilons: [0.01] });
    const together = await run(five, { ...loan, cluster: "site", epsilons: [0.01] });
    const naive = await run(five, { ...loan, exclude: ["site"], epsilons: [0.01] });
    expect(together.data.clusters).toBe(80);
    expect(together.threats[0].threat.attacked).toEqual(["income", "debt"]);
    const errors = (result: typeof alone) => result.threats[0].standardErrors ?? [];
    errors(together).forEach((se, j) => expect(se / errors(alone)[j]).toBeCloseTo(Math.sqrt(80 / 79), 8));
    errors(naive).forEach((se, j) => expect(se / errors(alone)[j]).toBeCloseTo(1 / Math.sqrt(5), 8));
  });

  test("one cluster is refused, and a few are flagged", async () => {
    const base = loans(200);
    const withSites = (count: number): Table => ({
      ...base,
      columns: [
        ...base.columns,
        categorical(
          "site",
          Array.from({ length: 200 }, (_, i) => `s${i % count}`),
        ),
      ],
    });
    await expect(run(withSites(1), { ...loan, cluster: "site" })).rejects.toThrow(/one cluster of --cluster "site"/);
    const few = await run(withSites(12), { ...loan, cluster: "site" });
    expect(few.flags.map(({ code }) => code)).toContain("few-clusters");
    // Sums over 50 clusters are about normal, but not for more than 2 parameters.
    const short = await run(withSites(50), { ...loan, cluster: "site" });
    expect(short.model.parameters.length).toBeGreaterThan(2);
    expect(short.flags.map(({ code }) => code)).toContain("few-clusters");
    const many = await run(withSites(20 * short.model.parameters.length), { ...loan, cluster: "site" });
    expect(many.flags.map(({ code }) => code)).not.toContain("few-clusters");
  });

  test("weights are flagged where their rows tell as little as fewer than half of equal weight", async () => {
    const base = loans(200);
    const withHeavy = (heavy: number): Table => ({
      ...base,
      columns: [
        ...base.columns,
        numeric(
          "wt",
          Array.from({ length: 200 }, (_, i) => (i < 20 ? heavy : 1)),
        ),
      ],
    });
    const flagsOf = async (heavy: number, changes: Partial<StudySettings> = {}) =>
      (await run(withHeavy(heavy), { ...loan, weights: "wt", ...changes })).flags.filter(
        ({ code }) => code === "unequal-weights",
      );
    // 20 of weight 10 and 180 of 1: 380²/2180 = 66.2; of weight 4: 260²/500 = 135.2.
    expect((await flagsOf(10)).map(({ message }) => message)).toEqual([
      "200 rows tell about as much as 66 of equal weight.",
    ]);
    expect(await flagsOf(4)).toEqual([]);
    expect(await flagsOf(10, { weightsKind: "frequency" })).toEqual([]);
    // Factors of classes weigh the fit, not the judgement.
    expect(await flagsOf(4, { classWeight: "balanced" })).toEqual([]);
    const softmax = { model: "softmax", loss: null, l2: 0.1, evaluation: { kind: "training" } } as const;
    expect(await flagsOf(10, softmax)).toHaveLength(1);
  });

  test("folds keep clusters together", async () => {
    const data = encode(
      { ...loans(200), columns: [...loans(200).columns, site(200)] },
      { target: "repaid", cluster: "site" },
    );
    const folds = assignFolds(data.sourceRows, 10, 0, { strata: data.y, groups: data.groups });
    for (let i = 0; i < 200; i += 5) expect(new Set(folds.slice(i, i + 5)).size).toBe(1);
  });

  test("balanced classes weigh the same in the fit, and rows the same in the judgement", async () => {
    const plain = await run(loans(), { target: "repaid", epsilons: [0.01] });
    const balanced = await run(loans(), { target: "repaid", classWeight: "balanced", epsilons: [0.01] });
    // The unpenalised intercept makes the mean predicted chance the weighted share of positives: one half.
    const data = encode(loans(), { target: "repaid" });
    let chance = 0;
    const share = { positive: 0, negative: 0 };
    for (const label of data.y) share[label > 0 ? "positive" : "negative"] += 1 / data.rows;
    for (const { x, y } of data.blocks()) {
      y.forEach((label, i) => {
        const f = balanced.fit.parameters
          .slice(1)
          .reduce((sum, value, k) => sum + value * x.row(i)[k], balanced.fit.parameters[0]);
        chance += sigmoid(f) / data.rows / (2 * share[label > 0 ? "positive" : "negative"]);
      });
    }
    expect(chance).toBeCloseTo(0.5, 9);
    expect(balanced.fit.parameters).not.toEqual(plain.fit.parameters);
    expect(Math.abs((balanced.fit.heldOutLoss ?? 0) - (plain.fit.heldOutLoss ?? 0))).toBeLessThan(0.1);
    expect(balanced.fit.heldOutLoss).toBeGreaterThan(plain.fit.heldOutLoss ?? 0);
  });
});

describe("conditions", () => {
  const judge = async (text: string, changes: Partial<StudySettings> = {}) =>
    (await run(loans(), { ...loan, epsilons: [0.01], failIf: [parseCondition(text)], ...changes })).conditions;

  test("look at their own size, which joins the curve", async () => {
    const result = await run(loans(), { ...loan, epsilons: [0.01], failIf: [parseCondition("cost>0@0.05")] });
    expect(result.threats[0].curve.map(({ epsilon }) => epsilon)).toEqual([0.01, 0.05]);
    const [point] = result.threats[0].curve.slice(1);
    expect(result.conditions).toEqual([
      { condition: "cost>0@0.05", norm: "2", epsilon: 0.05, value: point.cost, holds: true },
    ]);
  });

  test("without a size look at all of them, under every norm", async () => {
    const found = await judge("accuracyDrop > 2", { norms: [1, 2], epsilons: [0.01, 0.02] });
    expect(found.map(({ norm, epsilon, holds }) => [norm, epsilon, holds])).toEqual([
      ["1", 0.01, false],
      ["1", 0.02, false],
      ["2", 0.01, false],
      ["2", 0.02, false],
    ]);
  });

  test("a drop is the metric now less the metric then, a rise the other way round", async () => {
    const result = await run(loans(), {
      ...loan,
      epsilons: [0.1],
      failIf: [parseCondition("logLossRise>0"), parseCondition("robustAucDrop<=100%"), parseCondition("trustRadius<1")],
    });
    const { metrics } = result.threats[0].curve[0];
    const [rise, drop, trust] = result.conditions;
    expect(rise.value).toBeCloseTo(metrics.natural["logLoss"] - metrics.naturalNow["logLoss"], 14);
    expect(rise.holds).toBe(true);
    expect(drop.value).toBeCloseTo(metrics.robustNow["auc"] - metrics.robust["auc"], 14);
    expect(drop.holds).toBe(true);
    expect(trust).toMatchObject({ epsilon: null, value: result.threats[0].trustRadius, holds: true });
  });

  test("on what there is not cannot be judged", async () => {
    expect(await judge("rmseRise>0")).toMatchObject([{ value: null, holds: null }]);
  });

  test.each([
    ["accuracy>1", /no quantity accuracy; use one of cost, /],
    ["cost>1@0", /must be an ε above 0/],
    ["cost>x", /limit "x" is not a number/],
    ["cost=1", /cannot be read/],
    ["trustRadius<1@0.1", /takes no @ε/],
  ])("%s is refused", (text, message) => {
    expect(() => parseCondition(text)).toThrow(AifError);
    expect(() => parseCondition(text)).toThrow(message);
  });
});

describe("the verdict", () => {
  const line = (n: number, slope: number) => {
    const x = Array.from({ length: n }, (_, i) => Math.sin(7.1 * i) * 2);
    const z = Array.from({ length: n }, (_, i) => Math.cos(3.3 * i * i));
    return table([
      numeric("x", x),
      numeric("z", z),
      numeric(
        "price",
        x.map((value, i) => slope * value + 0.2 * z[i] + Math.sin(12.9 * i * i + 4) * 1.5),
      ),
    ]);
  };

  test("speaks of the largest size that can be trusted", async () => {
    const [{ verdict, curve }] = (await run(line(400, 3))).threats;
    const trusted = curve.filter(({ extrapolated }) => !extrapolated);
    expect(verdict?.epsilon).toBe(trusted.at(-1)?.epsilon);
  });

  /** A threat whose only size has these numbers, judged anew. */
  const judged = async (
    changes: Partial<CurvePoint>,
    more: Partial<CurvePoint>[] = [],
    ground: Partial<VerdictGround> = {},
  ) => {
    const [threat] = (await run(line(200, 3), { epsilons: [0.001] })).threats;
    const base = { ...threat.curve[0], extrapolated: false, ...changes };
    const curve = [...more.map((other, k) => ({ ...base, epsilon: 1e-4 * (k + 1), ...other })), base];
    const verdict = verdictOf(
      { ...threat, trustRadius: 0.02, freeRadius: null, curve },
      {
        level: 0.95,
        l2: 0,
        penalised: false,
        trainedElsewhere: false,
        parametersPerRow: 0.01,
        inSample: false,
        attackRate: null,
        unit: "price²",
        ...ground,
      },
    );
    return verdict ?? expect.fail();
  };
  const held = (predicted: number, interval: readonly [number, number]) => ({
    cost: predicted,
    heldOut: { predicted, interval },
  });
  const gain = (benefit: number, benefitInterval: readonly [number, number]) => ({ benefit, benefitInterval });

  test("a loss under attack that rises contradicts robust training only without a penalty, and surely on the rows trained on", async () => {
    const rise = { ...held(2, [1, 3]), ...gain(-5, [-6, -4]), extrapolated: true };
    const textOf = async (ground: Partial<VerdictGround>) => (await judged(rise, [], ground)).text;
    expect(await textOf({ inSample: true })).toContain("has broken down here");
    expect(await textOf({ inSample: false })).toContain("has most likely broken down here");
    for (const inSample of [true, false]) {
      const text = await textOf({ inSample, penalised: true });
      expect(text).not.toContain("broken down");
      expect(text).toMatch(/The loss under attack rises by 5.*the sum of this loss and the penalty/);
    }
  });

  test("a study knows whether its own model has a penalty", async () => {
    // Nearly collinear columns: one straight step against a large attack leaves far too far.
    const a = Array.from({ length: 60 }, (_, i) => Math.sin(i));
    const b = a.map((value, i) => value + 0.05 * Math.cos(5 * i));
    const y = a.map((value, i) => 3 * value - b[i] + 0.3 * Math.cos(7 * i));
    const rows = table([numeric("a", a), numeric("b", b), numeric("y", y)]);
    const textOf = async (changes: Partial<StudySettings>) => {
      const extreme = { target: "y", epsilons: [1], evaluation: { kind: "training" } } as const;
      const [{ verdict, curve }] = (await run(rows, { ...extreme, ...changes })).threats;
      expect(curve[0].benefit).toBeLessThan(0);
      return verdict?.text;
    };
    expect(await textOf({})).toContain("has broken down here");
    expect(await textOf({ l2: 1e-4 })).toContain("the sum of this loss and the penalty");
    expect(await textOf({ l1: [1e-4] })).toContain("the sum of this loss and the penalty");
  });

  test("a loss of new rows may rise under attack without a penalty too", async () => {
    const { text } = await judged({ ...held(2, [1, 3]), ...gain(-5, [-6, -4]) }, [], { inSample: false });
    expect(text).toContain("rises by 5");
    expect(text).toContain("what robust training lowers is this loss on the rows trained on");
  });

  test.each([
    ["lowers-the-loss", held(-2, [-3, -1]), gain(5, [4, 6])],
    ["worth-it", held(-0.1, [-1, 1]), gain(5, [4, 6])],
    ["worth-it", held(0.1, [-1, 1]), gain(5, [4, 6])],
    ["unclear", held(-0.1, [-1, 1]), gain(0.5, [-1, 2])],
    ["unclear", held(0.1, [-1, 1]), gain(0.5, [-1, 2])],
    ["not-worth-it", held(0.1, [-1, 1]), gain(-5, [-6, -4])],
    ["not-worth-it", held(2, [1, 3]), gain(0.5, [-1, 2])],
    ["not-worth-it", held(2, [1, 3]), gain(-5, [-6, -4])],
    ["depends", held(2, [1, 3]), gain(5, [4, 6])],
  ] as const)("%s where the intervals say so: %j %j", async (answer, cost, benefit) => {
    const verdict = await judged({ ...cost, ...benefit, breakEvenRate: 0.3 });
    expect(verdict).toMatchObject({ answer, upTo: 0.02 });
    expect(verdict.text).toContain("can be said up to ε = 0.02");
    expect(verdict.text.includes("It pays if more than about 30.0 %")).toBe(answer === "depends");
    expect(verdict.text.includes("of the rows would lose")).toBe(answer === "depends" || cost.cost === 2);
  });

  test("holds for its own size alone where smaller ones have another answer", async () => {
    const verdict = await judged({ ...held(2, [1, 3]), ...gain(5, [4, 6]) }, [
      { ...held(0, [-1, 1]), ...gain(0, [-1, 1]) },
    ]);
    expect(verdict).toMatchObject({ answer: "depends", upTo: null });
    expect(verdict.text).toContain("for this size alone");
  });

  test("says which metrics clearly get worse", async () => {
    const natural = { rmse: { change: 0.2, interval: [0.1, 0.3] as const, method: "paired" as const } };
    const robust = { r2: { change: -0.2, interval: [-0.3, -0.1] as const, method: "paired" as const } };
    const metrics = { natural: {}, robust: {}, naturalNow: {}, robustNow: {}, changes: { natural, robust } };
    const verdict = await judged({ ...held(-0.1, [-1, 1]), ...gain(5, [4, 6]), metrics });
    expect(verdict.text).toContain("But some metrics clearly get worse: RMSE without attack, R² under attack.");
  });

  test.each([
    [{ expectedGain: 2, expectedGainFull: 1 }, "the mixture does best"],
    [{ expectedGain: 1, expectedGainFull: 2 }, "full robust training does best"],
    [{ expectedGain: -1, expectedGainFull: -2 }, "natural training does best"],
  ])("compares the mixture with full and with natural training: %j", async (gains, words) => {
    const verdict = await judged({ mixed: { attackRate: 0.1, cost: 1, benefit: 1, ...gains } });
    expect(verdict.text).toContain(words);
  });

  test("a lone size beyond the trust radius is EXTRAPOLATED", async () => {
    const { threats } = await run(line(400, 3), { epsilons: [0.3] });
    expect(threats[0].verdict).toMatchObject({ epsilon: 0.3, answer: "extrapolated", upTo: null });
    expect(threats[0].verdict?.instead.map(({ code }) => code)).toContain("smaller-epsilon");
    expect(threats[0].verdict?.text).toContain("EXTRAPOLATED");
  });

  test("names the feature that carries the cost, and a ridge for many parameters", async () => {
    const [{ verdict }] = (await run(line(400, 3))).threats;
    if (verdict?.answer === "depends") expect(verdict.instead.map(({ code }) => code)).toContain("mixed-training");
    const crowded = table(
      Array.from({ length: 8 }, (_, k) =>
        numeric(
          k === 0 ? "price" : `x${k}`,
          Array.from({ length: 60 }, (_x, i) => Math.sin((k + 1.7) * i * i + k)),
        ),
      ),
    );
    const [{ verdict: many }] = (await run(crowded)).threats;
    expect(many?.instead.map(({ code }) => code)).toContain("ridge");
    expect(many?.text).toContain("--l2 0.01");
    const [{ verdict: ridged }] = (await run(crowded, { l2: 0.1 })).threats;
    expect(ridged?.instead.map(({ code }) => code)).not.toContain("ridge");
  });
});
