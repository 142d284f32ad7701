import { describe, expect, it } from "vitest";
import { AifError } from "../../src/errors.js";
import { loadNativeBlas, type NativeAttempt } from "../../src/linalg/native.node.js";
import { nativeCandidates, nativeThreads } from "../../src/linalg/native-candidates.js";
import { backends } from "./backends.js";

const nativeBackend = backends[1];

async function failure(promise: Promise<unknown>): Promise<AifError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AifError)) throw new Error(`Expected an AifError, got ${String(error)}.`);
  return error;
}

describe("the choice of a native library", () => {
  it("tries the platform's usual ones", () => {
    expect(nativeCandidates("linux", {})[0]).toEqual({ blas: "libopenblas.so.0", lapack: "libopenblas.so.0" });
    expect(nativeCandidates("darwin", {})[0].blas).toMatch(/Accelerate$/);
    expect(nativeCandidates("win32", {})[0].blas).toBe("libopenblas.dll");
    expect(nativeCandidates("freebsd", {})).toEqual(nativeCandidates("linux", {}));
  });

  it("tries a named library and nothing else", () => {
    expect(nativeCandidates("linux", { AIF_BLAS: "x.so" })).toEqual([{ blas: "x.so", lapack: "x.so" }]);
    expect(nativeCandidates("linux", { AIF_BLAS: "x.so", AIF_LAPACK: "y.so" })).toEqual([
      { blas: "x.so", lapack: "y.so" },
    ]);
    expect(nativeCandidates("linux", { AIF_BLAS: "x.so" }, "z.so")).toEqual([{ blas: "z.so", lapack: "z.so" }]);
    expect(nativeCandidates("linux", { AIF_LAPACK: "y.so" }).every(({ lapack }) => lapack === "y.so")).toBe(true);
  });

  it("fails by name when the named library is not there", async () => {
    const attempts: NativeAttempt[] = [];
    const error = await failure(
      loadNativeBlas({ env: { AIF_BLAS: "libnowhere.so" }, onAttempt: (attempt) => attempts.push(attempt) }),
    );
    expect(error.code).toBe("usage");
    expect(error.message).toContain("libnowhere.so");
    expect(attempts.map(({ library }) => library)).toEqual(["libnowhere.so"]);
  });

  it("does not load anything under AIF_BLAS=off", async () => {
    const attempts: NativeAttempt[] = [];
    const options = { env: { AIF_BLAS: "off" }, onAttempt: (attempt: NativeAttempt) => attempts.push(attempt) };
    expect((await failure(loadNativeBlas(options))).message).toMatch(/switched off by AIF_BLAS=off/);
    expect(attempts).toEqual([]);
  });

  it("takes the number of threads from the argument, AIF_THREADS, the machine up to 8", () => {
    expect(nativeThreads({ AIF_THREADS: "3" }, 16, 5)).toBe(5);
    expect(nativeThreads({ AIF_THREADS: "3" }, 16)).toBe(3);
    expect(nativeThreads({ AIF_THREADS: "" }, 4)).toBe(4);
    expect(nativeThreads({}, 64)).toBe(8);
    for (const bad of ["0", "-1", "two", "1.5"]) expect(() => nativeThreads({ AIF_THREADS: bad }, 2)).toThrow(bad);
    expect(() => nativeThreads({}, 2, 0)).toThrow(/at least 1/);
  });

  it.skipIf(nativeBackend.blas === undefined)(
    `reports its threads, library and configuration: ${nativeBackend.name}`,
    async () => {
      const one = await loadNativeBlas({ threads: 1 });
      expect(one.name).toBe("native");
      expect(one.description.length).toBeGreaterThan(5);
      expect(one.threads).toBe(1);
    },
  );
});
