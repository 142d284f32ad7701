/** Rates as shares of what the machine's own matrix product reaches in the same run. */
import { type Case, draw } from "./cases.js";
import { startLibrary } from "./process.js";
import { type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

export interface Rate {
  readonly task: Case;
  readonly backend: "native" | "portable";
  /** Of the pass, counting n·m² (multiplications and additions of the symmetric product), in GFLOP/s. */
  readonly rate: Spread;
  /** The machine's DGEMM, or the portable product, with as many threads, in GFLOP/s. */
  readonly product: Spread;
  readonly share: Spread;
  readonly goal: number | null;
}

interface Reply {
  readonly stages: { readonly pass: number };
  /** GFLOP/s of a product of matrices before and after. */
  readonly product: number;
}

/** A pass over the rows for loss, gradient and Hessian, between two products of matrices in the same process. */
export async function timeRates(cases: readonly Case[], threads: number): Promise<Rate[]> {
  const out: Rate[] = [];
  for (const task of cases) {
    const files = dataFiles(task.name, draw(task));
    try {
      for (const backend of ["native", "portable"] as const) {
        const environment = { AIF_THREADS: String(threads), ...(backend === "portable" ? { AIF_BLAS: "off" } : {}) };
        const worker = await startLibrary(["rate", JSON.stringify(task), files.x, files.y], environment);
        await worker.ask();
        const replies: Reply[] = [];
        for (let round = 0; round < task.rounds; round++) replies.push(await worker.ask<Reply>());
        await worker.stop();
        const rates = replies.map(({ stages }) => (task.rows * task.columns ** 2) / stages.pass / 1e9);
        out.push({
          task,
          backend,
          rate: spreadOf(rates),
          product: spreadOf(replies.map(({ product }) => product)),
          share: spreadOf(rates.map((rate, i) => rate / replies[i].product)),
          goal: backend === "native" ? (task.share ?? null) : null,
        });
      }
    } finally {
      files.remove();
    }
  }
  return out;
}

/** How much faster two threads of one process are than one, and two processes than one, at the same portable products. */
export interface Scaling {
  readonly threads: Spread;
  readonly processes: Spread;
  readonly share: Spread;
}

/** From several starts of all three processes: how fast two threads of one are differs from start to start more than from round to round. */
export async function timeScaling(rounds = 7, starts = 5): Promise<Scaling> {
  const threads: number[] = [];
  const processes: number[] = [];
  for (let start = 0; start < starts; start++) {
    for (const found of await scalingOfOneStart(rounds)) {
      threads.push(found.threads);
      processes.push(found.processes);
    }
  }
  return {
    threads: spreadOf(threads),
    processes: spreadOf(processes),
    share: spreadOf(threads.map((value, i) => value / processes[i])),
  };
}

async function scalingOfOneStart(rounds: number): Promise<{ threads: number; processes: number }[]> {
  const start = (threads: number) =>
    startLibrary<{ ready: string }>(["gram products"], { AIF_BLAS: "off", AIF_THREADS: String(threads) });
  const [one, other, pair] = await Promise.all([start(1), start(1), start(2)]);
  const found: { threads: number; processes: number }[] = [];
  for (let round = -2; round < rounds; round++) {
    const alone = (await one.ask<{ seconds: number }>()).seconds;
    const together = Math.max(
      ...(await Promise.all([one, other].map((worker) => worker.ask<{ seconds: number }>()))).map((r) => r.seconds),
    );
    const shared = (await pair.ask<{ seconds: number }>()).seconds;
    if (round >= 0) found.push({ threads: alone / shared, processes: (2 * alone) / together });
  }
  for (const worker of [one, other, pair]) await worker.stop();
  return found;
}
