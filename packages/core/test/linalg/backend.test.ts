import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadPortableBlas } from "../../src/linalg/portable.js";
import { backends } from "./backends.js";

type Backend = typeof import("../../src/linalg/backend.js");

/** A backend module in which nothing has been chosen yet. */
async function fresh(): Promise<Backend> {
  vi.resetModules();
  return import("../../src/linalg/backend.js");
}

const nativeBackend = backends[1];

describe("the active back end", () => {
  beforeEach(() => {
    vi.stubEnv("AIF_BLAS", "");
    vi.stubEnv("AIF_THREADS", "");
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  });

  it("is the portable one until one is chosen", async () => {
    const { blas, describeBackend } = await fresh();
    expect(blas().name).toBe("portable");
    expect(blas()).toBe(blas());
    expect(describeBackend().candidatesTried).toEqual([]);
    expect(describeBackend().advice).toMatch(/OpenBLAS|openblas|Accelerate/);
  });

  it.skipIf(nativeBackend.blas === undefined)(
    `is the system's library after ensureBlas: ${nativeBackend.name}`,
    async () => {
      const { blas, ensureBlas, describeBackend } = await fresh();
      const chosen = await ensureBlas();
      expect(chosen.name).toBe("native");
      expect(blas()).toBe(chosen);
      expect(await ensureBlas({ threads: 1 })).toBe(chosen);
      const description = describeBackend();
      expect(description.advice).toBeNull();
      expect(description.candidatesTried.at(-1)?.outcome).toBe("in use");
      expect(JSON.parse(JSON.stringify(description))).toEqual(description);
    },
  );

  it("is the portable one under AIF_BLAS=off", async () => {
    vi.stubEnv("AIF_BLAS", "off");
    const { ensureBlas, describeBackend } = await fresh();
    expect((await ensureBlas()).name).toBe("portable");
    expect(describeBackend().candidatesTried).toEqual([
      { library: "off", outcome: "AIF_BLAS=off: native libraries were not tried" },
    ]);
  });

  it("never falls back from a library that was named", async () => {
    vi.stubEnv("AIF_BLAS", "libnowhere.so");
    const { ensureBlas, describeBackend } = await fresh();
    await expect(ensureBlas()).rejects.toThrow(/libnowhere\.so/);
    await expect(ensureBlas()).rejects.toMatchObject({ code: "usage" });
    expect(describeBackend().candidatesTried.map(({ library }) => library)).toEqual(["libnowhere.so"]);
  });

  it("refuses a number of threads that is none", async () => {
    vi.stubEnv("AIF_THREADS", "many");
    const { ensureBlas } = await fresh();
    await expect(ensureBlas()).rejects.toThrow(/AIF_THREADS.*many/);
  });

  it("falls back to the portable one where no library is found, and says what was tried", async () => {
    vi.stubEnv("AIF_LAPACK", "libnowhere.so");
    const { ensureBlas, describeBackend } = await fresh();
    expect((await ensureBlas()).name).toBe("portable");
    const { candidatesTried } = describeBackend();
    expect(candidatesTried.length).toBeGreaterThan(0);
    expect(candidatesTried.every(({ outcome }) => outcome !== "in use")).toBe(true);
  });

  it("is the portable one where there is no Node", async () => {
    const { ensureBlas, describeBackend } = await fresh();
    vi.stubGlobal("process", undefined);
    const chosen = await ensureBlas();
    const { advice } = describeBackend();
    vi.unstubAllGlobals();
    expect(chosen.name).toBe("portable");
    expect(advice).toMatch(/browser/);
  });

  it("can be set, also while ensureBlas is still looking", async () => {
    const { blas, ensureBlas, useBlas } = await fresh();
    const pending = ensureBlas();
    const own = loadPortableBlas();
    useBlas(own);
    await pending;
    expect(blas()).toBe(own);
    expect(await ensureBlas()).toBe(own);
  });
});
