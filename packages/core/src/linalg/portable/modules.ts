/** The WebAssembly modules of packages/core/assembly, in the fastest form that the engine takes. */
import { AifError } from "../../errors.js";
import { fused, sharedFused, sharedSimd, simd } from "./kernels.generated.js";

/** The functions of packages/core/assembly. Addresses and steps are in bytes, counts in numbers. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  /** The first address that is not scratch memory of the kernels. */
  readonly FREE: WebAssembly.Global;
  multiply(
    lower: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    rowStepA: number,
    columnStepA: number,
    b: number,
    rowStepB: number,
    columnStepB: number,
    c: number,
    rowStepC: number,
  ): void;
  scale(lower: boolean, m: number, n: number, beta: number, c: number, rowStep: number): void;
  cholesky(n: number, a: number, step: number): number;
  solveLeft(m: number, n: number, l: number, stepL: number, b: number, stepB: number): void;
  solveLeftTransposed(m: number, n: number, l: number, stepL: number, b: number, stepB: number): void;
  solveRight(m: number, n: number, l: number, stepL: number, b: number, stepB: number): void;
  multiplyVector(m: number, n: number, a: number, step: number, x: number, y: number): void;
  multiplyVectorTransposed(m: number, n: number, a: number, step: number, x: number, y: number): void;
  rotateRows(count: number, columns: number, cosines: number, sines: number, rows: number, step: number): void;
}

/** The functions of packages/core/assembly/shared.ts: one product by several threads. */
export interface SharedExports extends Pick<KernelExports, "FREE" | "scale"> {
  /** Bytes of scratch memory that each thread needs. */
  readonly SCRATCH: WebAssembly.Global;
  readonly MOST_TILES: WebAssembly.Global;
  useScratch(at: number): void;
  begin(
    lower: boolean,
    same: boolean,
    rows: number,
    columns: number,
    terms: number,
    alpha: number,
    edge: number,
    depth: number,
    rooms: number,
    c: number,
    rowStep: number,
    loose: number,
    looseStep: number,
    looseTerm: number,
  ): void;
  packLeft: Pack;
  packRight: Pack;
  hasRoom(piece: number): number;
  awaitRoom(piece: number): void;
  packed(piece: number): void;
  take(): number;
  work(ticket: number): void;
  assist(): void;
  giveUp(): void;
}

type Pack = (
  piece: number,
  p0: number,
  depth: number,
  from: number,
  count: number,
  at: number,
  step: number,
  depthStep: number,
) => void;

export function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The kernels for one thread. */
export const kernelModule = (): Compiled => best(fused, simd);

interface Compiled {
  readonly module: WebAssembly.Module;
  readonly instructions: string;
}

/** Modules of the same functions: the first one that the engine takes, and the name of its instructions. */
function best(withFma: string, plain: string): Compiled {
  const fast = decode(withFma);
  if (WebAssembly.validate(fast)) {
    return { module: new WebAssembly.Module(fast), instructions: "relaxed SIMD with fused multiply-add" };
  }
  const usual = decode(plain);
  if (WebAssembly.validate(usual)) return { module: new WebAssembly.Module(usual), instructions: "SIMD" };
  throw new AifError(
    "resource",
    "This JavaScript engine has no WebAssembly SIMD: use Node 20 or a browser from 2023 on.",
  );
}

/** The products alone, for threads that share a memory. */
export const sharedModule = (): WebAssembly.Module => best(sharedFused, sharedSimd).module;
