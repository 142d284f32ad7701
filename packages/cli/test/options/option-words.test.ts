/** What is compared between ranks, and with a checkpoint, is called as the command line calls it. */
import { DEFAULT_SETTINGS, DEFAULT_SMOOTHING, type StudySettings } from "@aif/core";
import { expect, test } from "vitest";
import { studyWords, wordsOf } from "../../src/option-words.js";
import { aif } from "../launch.js";

const settings: StudySettings = { ...DEFAULT_SETTINGS, target: "y", smoothing: { sigma: 0.5, ...DEFAULT_SMOOTHING } };

test("every field of the settings stands under an option of aif analyze", async () => {
  const { stdout } = await aif(["analyze", "--help"]);
  // Which of the independent draws is looked at is nobody's option.
  const options = Object.keys(studyWords(settings)).filter((option) => option !== "batch");
  expect(options.length).toBeGreaterThan(50);
  expect(options.filter((option) => !new RegExp(`^ +${option}( |$)`, "m").test(stdout))).toEqual([]);
});

test("every field of a family stands under an option of aif compare", async () => {
  const { stdout } = await aif(["compare", "--help"]);
  const family = { models: [], features: null, l2: [], l1: [], projects: [], smoothing: [], seeds: 1 };
  for (const option of Object.keys(wordsOf(family))) expect(stdout).toMatch(new RegExp(`^ +${option} `, "m"));
});

test("values are those that are typed", () => {
  const words = studyWords({
    ...settings,
    norms: [2, Number.POSITIVE_INFINITY],
    evaluation: { kind: "cv", folds: 5 },
    exclude: ["a", "b c"],
    project: { kind: "pca", components: 3 },
    intercept: false,
  });
  expect(words).toMatchObject({
    "--norm": "2,inf",
    "--evaluation": "cv:5",
    "--exclude": '"a","b c"',
    "--project": "pca:3",
    "--no-intercept": true,
    "--smoothing": 0.5,
    "--by": null,
  });
});
