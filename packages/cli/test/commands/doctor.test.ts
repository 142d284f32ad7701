import { describe, expect, it } from "vitest";
import { aif } from "../launch.js";

describe("aif doctor", () => {
  it("says what it runs on", async () => {
    const { code, stdout, stderr } = await aif(["doctor", "--threads", "1"]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^ {2}Node +\d+\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^ {2}linear algebra +(?:native|portable): \S/m);
    expect(stdout).toMatch(/^ {2}threads +1$/m);
    expect(Number(/^ {2}speed +([\d.]+) GFLOP/m.exec(stdout)?.[1])).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it("tells how to get a faster back end where it is the portable one", async () => {
    const { code, stdout } = await aif(["doctor"], { AIF_BLAS: "off" });
    expect(stdout).toMatch(/linear algebra +portable/);
    expect(stdout).toMatch(/tried +off: AIF_BLAS=off/);
    expect(stdout).toMatch(/advice +(?!None)\S/);
    expect(code).toBe(0);
  });
});
