import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { hasMpi, type Job, mpirun } from "./mpirun.js";

const driver = fileURLToPath(new URL("./ranks-driver.mjs", import.meta.url));

const run = (size: number, what: string, options: Parameters<typeof mpirun>[1] = {}): Promise<Job> =>
  mpirun(["-n", String(size), process.execPath, "--expose-gc", driver, what], options);

describe.skipIf(!hasMpi)("Open MPI (skipped where mpirun is missing)", () => {
  test.each([2, 5])("%i ranks add numbers of any count to the same digits, and exchange texts", async (size) => {
    const { code, stdout, stderr } = await run(size, "sums");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const [sums, waits] = stdout.split("\n");
    const { seen, texts } = JSON.parse(sums);
    expect(seen).toHaveLength(size);
    for (const one of seen) {
      expect(one).toEqual(seen[0]);
      expect(one.worst).toBeLessThan(1e-14 * size ** 2);
      expect([one.a, one.b]).toEqual([size, 10 * size]);
    }
    expect(texts).toEqual(Array.from({ length: size }, (_, r) => (r === 1 ? "" : `rang ${r} ✓`.repeat(r + 1))));
    const { turns, busy } = JSON.parse(waits);
    expect(turns).toBeGreaterThan(1);
    expect(busy).toBeLessThan(0.25);
  });

  test("what stops one rank ends all, and is said once", async () => {
    const { code, stderr, seconds } = await run(3, "fails");
    expect(stderr).toBe("rank 2: part-7.csv, row 3: this is no number");
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(30);
  });

  test("a rank of another version is refused before work", async () => {
    const { code, stderr } = await run(2, "differs");
    expect(stderr).toContain(
      "Rank 1 (host1) and rank 0 (host0) would not do the same work: the version of aif is 0.9.0 there",
    );
    expect(code).toBe(1);
  });

  test.each(["leaves", "bursts"])("a rank that %s without a word ends the others", async (what) => {
    const { code, stderr } = await run(2, what);
    expect(code).not.toBe(0);
    if (what === "bursts") expect(stderr).toMatch(/^aif: internal error: SyntaxError/);
  });

  test("a rank that is killed ends the job within seconds", async () => {
    let killed = 0;
    const { code } = await run(3, "works", {
      onOutput: (stdout) => {
        const pids = /pids ([\d ]+) \./.exec(stdout)?.[1].split(" ").map(Number);
        if (!pids || killed > 0) return;
        setTimeout(() => {
          killed = performance.now();
          process.kill(pids[2], "SIGKILL");
        }, 200);
      },
    });
    expect((performance.now() - killed) / 1000).toBeLessThan(5);
    expect(code).toBe(137);
  });

  test("a library that is not there is missed at once", async () => {
    const { code, stderr, seconds } = await mpirun(["-n", "2", process.execPath, driver, "sums"], {
      env: { AIF_MPI: "/nowhere/libmpi.so.40" },
    });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/mpirun started several processes, but Open MPI's library cannot be used.*openmpi-bin/);
    expect(seconds).toBeLessThan(20);
  });
});
