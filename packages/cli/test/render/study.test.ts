import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { renderStudy } from "../../src/render/study.js";
import { forbiddenInText, hostileNames } from "../fixtures/hostile.js";
import { point, study, threat } from "../fixtures/study.js";

const plain = { colour: false };
const lines = (text: string): string[] => text.split("\n");
const paragraph = (text: string): string => text.replace(/\s+/g, " ");

/** The report on one threat as a single line. */
const saidOf = (changes: Parameters<typeof threat>[0]): string =>
  paragraph(renderStudy(study({ threats: [threat(changes)] }), plain));

describe("the report", () => {
  it("of a linear model", async () => {
    await expect(renderStudy(study(), plain)).toMatchFileSnapshot("golden/linear.txt");
  });

  it("of classes under two norms, evaluated on the training rows", async () => {
    const { data, model, fit, settings } = study();
    const inSample = {
      sensitivity: { training: { slope: 0.1, curvature: 3 }, heldOut: null, population: null },
      freeRadius: null,
      trustRadius: null,
      trustMethod: null,
      collapseRadius: null,
      curve: [point({ heldOut: null, extrapolated: true, residualFraction: 0, robustLossMethod: "expansion" })],
    };
    const { threat: two } = threat();
    const result = study({
      data: { ...data, labels: { negative: "no", positive: "yes" }, evaluation: "training" },
      settings: { ...settings, weights: "w" },
      model: {
        ...model,
        kind: "logistic",
        loss: "logistic",
        lossLabel: "log loss",
        unit: "nats per row",
        scaler: null,
      },
      fit: { ...fit, heldOutLoss: null },
      threats: [threat(inSample), threat({ ...inSample, threat: { ...two, norm: "inf" } })],
    });
    await expect(renderStudy(result, plain)).toMatchFileSnapshot("golden/classes.txt");
  });

  it("keeps to 80 columns and harmless characters whatever the names are", () => {
    const [long] = hostileNames.slice(-1);
    for (const name of [...hostileNames, ...hostileNames.map((hostile) => `${hostile} ${hostile}`)]) {
      const { data, model, threats, flags } = study();
      const all = [name, "rooms", "garden"];
      const { threat: told } = threats[0];
      const text = renderStudy(
        study({
          data: { ...data, source: name, target: name, features: all, labels: { negative: name, positive: name } },
          model: { ...model, unit: `${name}²`, parameters: ["(intercept)", ...all] },
          flags: [...flags, { code: "no-header", level: "note", message: `${name} ${long}`, help: name }],
          threats: [
            threat({
              threat: {
                ...told,
                attacked: [name, "rooms"],
                frozen: [name, long],
                budgets: { [name]: 2 },
                bounds: { [name]: [null, 5] as const },
              },
              originalUnits: [
                { feature: name, perRadius: 30 },
                { feature: "rooms", perRadius: 1.5 },
              ],
            }),
          ],
        }),
        plain,
      );
      expect(Math.max(...lines(text).map(widthOf)), JSON.stringify(name)).toBeLessThanOrEqual(80);
      expect(text, JSON.stringify(name)).not.toMatch(forbiddenInText);
    }
  });

  it("keeps to 80 columns whatever the numbers are", () => {
    for (const size of [1e-300, 1.2345e-12, 123.456, 1.2345e12, 1e300]) {
      const extreme = point({
        epsilon: size,
        radius: size,
        thisData: { predicted: -size, secondOrder: null, exact: null },
        heldOut: { predicted: -size, interval: null },
        robustLoss: size,
        robustLossNatural: size,
      });
      const { fit } = study();
      const text = renderStudy(
        study({
          fit: { ...fit, trainingLoss: size, heldOutLoss: size },
          threats: [threat({ scale: size, influence: [size, -size, size, 0], curve: [extreme, extreme] })],
        }),
        plain,
      );
      expect(Math.max(...lines(text).map(widthOf)), String(size)).toBeLessThanOrEqual(80);
      expect(text).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it("cuts long lists with a count", () => {
    const { data } = study();
    const attacked = Array.from({ length: 500 }, (_, j) => `feature${j}`);
    const { threat: told } = threat();
    const text = renderStudy(
      study({
        data: { ...data, features: attacked },
        threats: [threat({ threat: { ...told, attacked, frozen: [] } })],
      }),
      plain,
    );
    expect(paragraph(text)).toContain(
      "What the adversary may touch: 500 of 500 features may touch feature0, feature1,",
    );
    expect(paragraph(text)).toContain("feature29 … and 470 others");
    expect(text).not.toContain("frozen");
  });

  it("says which size its headline is about", () => {
    expect(saidOf({})).toContain(
      "ε = 0.05 (the largest in the table that can be trusted) is predicted to change the held-out loss by +37.5 price² (+3.6 %)",
    );
    expect(saidOf({ curve: [point({ extrapolated: true })] })).toContain(
      "(the smallest in the table, yet beyond the trust radius)",
    );
    expect(saidOf({ curve: [point({ extrapolated: true })], trustRadius: null })).toContain(
      "(the smallest in the table, unchecked)",
    );
  });

  it("gives no percentage of a loss without its constant, and a long unit only once", () => {
    const { model, fit } = study();
    const unit = "nats per row, without the constant log y!";
    const poisson = { ...model, kind: "poisson", loss: "poisson", lossLabel: "Poisson loss", unit };
    const text = paragraph(renderStudy(study({ model: poisson, fit: { ...fit, heldOutLoss: -1.6 } }), plain));
    expect(text).toContain(`Natural loss: Poisson loss, in ${unit} held-out -1.600`);
    expect(text).toContain("is predicted to change the held-out loss by +37.5, and the loss under");
  });

  it("marks rows beyond the trust and the collapse radius, and explains only marks that it used", () => {
    const curve = [point(), point({ epsilon: 0.2, extrapolated: true }), point({ epsilon: 0.9, extrapolated: true })];
    const marked = renderStudy(study({ threats: [threat({ curve })] }), plain);
    expect(marked).toMatch(/^ {3} *0\.01 /m);
    expect(marked).toMatch(/^~ +0\.2 /m);
    expect(marked).toMatch(/^! +0\.9 /m);
    expect(marked).toContain("~ EXTRAPOLATED: beyond the trust radius");
    expect(marked).toContain("! beyond the collapse radius");
    expect(renderStudy(study({ threats: [threat({ curve: [point()] })] }), plain)).not.toContain("read as rough");
  });

  it("does not oversell a free radius", () => {
    const { sensitivity } = threat();
    expect(saidOf({})).toContain(
      "Robust training up to ε = 0.0143 (ρ = 0.0286) is expected to LOWER the held-out loss.",
    );
    expect(saidOf({ freeRadius: null })).toContain("not expected to lower the held-out loss at any size");
    const unsure = { ...sensitivity, heldOut: { slope: -300, slopeStandardError: 200, curvature: 21000 } };
    expect(saidOf({ sensitivity: unsure })).toContain("but chance could explain that");
    expect(saidOf({ trustRadius: 0.01 })).toContain("but that is beyond the trust radius");
  });

  it("numbers its notes, gives the advice of a kind once, and counts what it leaves out", () => {
    const flags = Array.from({ length: 5 }, (_, k) => ({
      code: "constant-column" as const,
      level: "note" as const,
      message: `Column "c${k}" is left out.`,
      help: "Nothing to do.",
    }));
    const text = renderStudy(study({ flags }), plain);
    expect(text).toContain(
      '  3. note [constant-column] Column "c2" is left out.\n     and 2 more of this kind, all in --format json\n     Nothing to do.\n',
    );
    expect(text.match(/Nothing to do/g)).toHaveLength(1);
    expect(renderStudy(study({ flags: [] }), plain)).not.toContain("Notes");
  });

  it("has colour where it is wanted and nowhere else, without moving a character", () => {
    const painted = renderStudy(study(), { colour: true });
    expect(painted).toContain("\u001b[1m");
    // oxlint-disable-next-line no-control-regex
    expect(painted.replace(/\u001b\[\d+m/g, "")).toBe(renderStudy(study(), plain));
    expect(renderStudy(study(), plain)).not.toContain("\u001b");
  });
});
