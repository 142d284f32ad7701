import { DEFAULT_SETTINGS } from "@aif/core";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { adversaryOptions } from "../../src/options/adversary.js";
import { dataOptions } from "../../src/options/data.js";
import { evaluationOptions } from "../../src/options/evaluation.js";
import { inferenceOptions } from "../../src/options/inference.js";
import { modelOptions } from "../../src/options/model.js";
import { addGroups } from "../../src/options/register.js";
import { readGroup } from "../../src/options/rule.js";
import { studySettings } from "../../src/options/settings.js";
import { verdictOptions } from "../../src/options/verdict.js";

/** The settings that words of the command line stand for. */
function settingsOf(...given: string[]) {
  const command = new Command().exitOverride();
  addGroups(command, [
    dataOptions,
    modelOptions,
    adversaryOptions,
    evaluationOptions,
    inferenceOptions,
    verdictOptions,
  ]);
  command.parse(given, { from: "user" });
  return studySettings({
    data: readGroup(dataOptions, command),
    model: readGroup(modelOptions, command),
    adversary: readGroup(adversaryOptions, command),
    evaluation: readGroup(evaluationOptions, command),
    inference: readGroup(inferenceOptions, command),
    verdict: readGroup(verdictOptions, command),
  });
}

const words = (line: string): string[] => line.split(" ");

function headerOf(...given: string[]): boolean | null {
  const command = new Command();
  addGroups(command, [dataOptions]);
  return readGroup(dataOptions, command.parse(given, { from: "user" })).header;
}

describe("settings", () => {
  it("are the library's defaults where nothing is said", () => {
    expect(settingsOf("--target", "y")).toEqual({ ...DEFAULT_SETTINGS, target: "y" });
  });

  it("take every option", () => {
    const settings = settingsOf(
      ...words(`--target a,b --exclude id --exclude "x,y" --keep code --weights w --positive yes --missing mean`),
      ...words(`--model quadratic --loss half-squared --l2 .1 --no-intercept --no-standardize`),
      ...words(`--norm 1,inf --norm 1 --radius 1,2 --budget a=.5,b=2 --bounds a=0:1,b=:5`),
      ...words(`--evaluation fraction:0.2 --split-by g --seed -3`),
      ...words(`--weights-kind frequency --cluster site --by side --class-weight balanced`),
      ...words(`--inference bootstrap --draws 300 --attack-rate 10% --fail-if cost>2%@0.05`),
    );
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      target: "a,b",
      exclude: ["id", "x,y"],
      keep: ["code"],
      weights: "w",
      weightsKind: "frequency",
      cluster: "site",
      by: "side",
      classWeight: "balanced",
      inference: "bootstrap",
      draws: 300,
      attackRate: 0.1,
      failIf: [{ text: "cost>2%@0.05", quantity: "cost", operator: ">", limit: 0.02, epsilon: 0.05 }],
      positive: "yes",
      missing: "mean",
      model: "quadratic",
      loss: "half-squared",
      l2: 0.1,
      intercept: false,
      standardize: false,
      norms: [1, Infinity],
      radii: [1, 2],
      budgets: [
        { column: "a", budget: 0.5 },
        { column: "b", budget: 2 },
      ],
      bounds: [
        { column: "a", lower: 0, upper: 1 },
        { column: "b", lower: -Infinity, upper: 5 },
      ],
      evaluation: { kind: "fraction", share: 0.2 },
      splitBy: "g",
      seed: -3,
    });
  });

  it.each([
    [[], /--target <column>/],
    [["--target", "y", "--budget", "a=1", "--budget", "a=2"], /--budget names column "a" twice/],
    [["--target", "y", "--l2", "1", "--C", "1"], /give one of them/],
    [["--target", "y", "--epsilon", "1", "--radius", "1"], /--epsilon and --radius/],
    [["--target", "y", "--epsilon", "-1"], /--epsilon -1/],
    [["--target", "y", "--delimiter", "ab"], /--delimiter takes one character/],
    [["--target", "y", "--missing", "median"], /--missing takes error, drop or mean, not "median"/],
  ])("refuse %j", (given, reason) => {
    expect(() => settingsOf(...given)).toThrow(reason);
  });

  it("tell --header, --no-header and neither apart", () => {
    expect([headerOf("--header"), headerOf("--no-header"), headerOf()]).toEqual([true, false, null]);
  });
});
