import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasMpi, type Job, mpirun } from "../../core/test/parallel/mpirun.js";
import { aif, houses, launcher } from "./launch.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-ranks-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = [process.execPath, launcher];
const together = (size: number, words: readonly string[], env = {}): Promise<Job> =>
  mpirun(["-n", String(size), ...program, ...words], { env });

const withoutTimes = (text: string) => ({ ...JSON.parse(text), timings: null, seconds: null });

describe.skipIf(!hasMpi)("commands on several ranks (skipped where mpirun is missing)", () => {
  const analysis = ["analyze", houses, "--target", "price_thousands", "--inference", "bootstrap", "--draws", "70"];

  test("the draws of a bootstrap are dealt, and rank 0 alone prints and writes", async () => {
    const [one, three] = ["one.json", "three.json"].map((name) => join(folder, name));
    await aif([...analysis, "--out", one], { AIF_THREADS: "1" });
    const { code, stdout, stderr } = await together(3, [...analysis, "--out", three]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(withoutTimes(await readFile(three, "utf8"))).toEqual(withoutTimes(await readFile(one, "utf8")));
    expect(await readdir(folder)).toEqual(["one.json", "three.json"]);
  });

  test("the models of a comparison are dealt", async () => {
    const words = ["compare", houses, "--target", "price_thousands", "--features", "first 1..3"];
    const one = await aif([...words, "--format", "json"], { AIF_THREADS: "1" });
    const three = await together(3, [...words, "--format", "json"]);
    expect(three.stderr).toBe("");
    expect(withoutTimes(three.stdout)).toEqual(withoutTimes(one.stdout));
  });

  test("the repetitions of a result of the paper are dealt", async () => {
    const words = ["reproduce", "remark2", "--repetitions", "5", "--out"];
    await aif([...words, join(folder, "alone")]);
    const { code, stderr } = await together(2, [...words, join(folder, "both")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const runs = ["alone", "both"].map((name) => readFile(join(folder, name, "remark2.json"), "utf8"));
    const [one, two] = (await Promise.all(runs)).map(withoutTimes);
    expect(two).toEqual(one);
  });

  test("ranks with other options or another file are refused before work, in one sentence", async () => {
    const other = join(folder, "houses.csv");
    await writeFile(other, `${await readFile(houses, "utf8")}\n`);
    const command = [...program, "analyze", houses, "--target", "price_thousands"];
    const options = await mpirun(["-n", "1", ...command, ":", "-n", "1", ...command, "--l2", "0.1"]);
    expect(options.stderr).toMatch(/^aif: Rank 1 \(.*\) and rank 0 .* --l2 is 0\.1 there and not given here; [^\n]*$/);
    expect(options.code).toBe(2);
    const files = await mpirun(["-n", "1", ...command, ":", "-n", "1", ...command.with(3, other)]);
    expect(files.stderr).toMatch(/^aif: Rank 1 .* the file .*house-prices\.csv is not given there/);
  });

  test("what all have met is said once, with the usual exit code", async () => {
    const missing = await together(2, ["analyze", join(folder, "nowhere.csv"), "--target", "y"]);
    expect(missing.stderr).toMatch(/^aif: There is no file [^\n]*$/);
    expect(missing.code).toBe(1);
    const alone = await together(2, ["verify", houses, "--target", "price_thousands"]);
    expect(alone.stderr).toMatch(/^aif: aif verify works in one process: start it without mpirun[^\n]*$/);
    expect(alone.code).toBe(2);
  });
});

test("launchers of another MPI are refused at once, with what to install", async () => {
  const { code, stderr } = await aif(["--version"], { PMI_RANK: "0", PMI_SIZE: "4" });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^aif: This mpirun is not Open MPI's .*openmpi-bin.*\n$/);
  const off = await aif(["--version"], { PMI_RANK: "0", PMI_SIZE: "4", AIF_MPI: "off" });
  expect(off.code).toBe(0);
});
