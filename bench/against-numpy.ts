import { type Case, draw } from "./cases.js";
import type { Answer, Stages } from "./library.js";
import { findNumpy, startLibrary, startNumpy, type Worker } from "./process.js";
import { largestDifference, type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

/** Both sides must agree this well before their times count. */
const AGREEMENT = 1e-8;
const WARM_UP = 2;

interface Reply {
  readonly stages: Stages;
  readonly answer: Answer;
}

export interface Greeting {
  readonly ready: string;
}

/** One contestant's times in seconds, and round by round against NumPy's. */
export interface Contestant {
  readonly name: "NumPy" | "native" | "portable";
  readonly library: string;
  readonly seconds: Spread;
  /** Median seconds by stage. */
  readonly stages: Stages;
  readonly ratio: Spread | null;
}

export interface Comparison {
  readonly task: Case;
  readonly contestants: readonly Contestant[];
  /** Largest relative difference of any number from the native back end's, over all contestants. */
  readonly disagreement: number;
}

/** The whole job by NumPy and by both back ends, taking turns, each in a warm process of its own. */
export async function compare(task: Case, threads: number): Promise<Comparison> {
  const files = dataFiles(task.name, draw(task));
  const workers: { name: Contestant["name"]; worker: Worker<Greeting> }[] = [];
  try {
    const python = findNumpy();
    const count = String(threads);
    if (python) {
      const args = [task.model, String(task.rows), String(task.columns), files.x, files.y];
      const environment = { OPENBLAS_NUM_THREADS: count, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
      workers.push({ name: "NumPy", worker: await startNumpy<Greeting>(python, args, environment) });
    }
    const args = ["analyse", JSON.stringify(task), files.x, files.y];
    workers.push({ name: "native", worker: await startLibrary<Greeting>(args, { AIF_THREADS: count }) });
    workers.push({ name: "portable", worker: await startLibrary<Greeting>(args, { AIF_BLAS: "off" }) });
    const replies = new Map<string, Reply[]>(workers.map(({ name }) => [name, []]));
    for (let round = 0; round < WARM_UP + task.rounds; round++) {
      for (const { name, worker } of workers) {
        const reply = await worker.ask<Reply>();
        if (round >= WARM_UP) replies.get(name)?.push(reply);
      }
    }
    return summarise(task, workers, replies);
  } finally {
    for (const { worker } of workers) await worker.stop();
    files.remove();
  }
}

const total = ({ stages }: Reply): number => Object.values(stages).reduce((sum, seconds) => sum + seconds, 0);

function summarise(
  task: Case,
  workers: readonly { name: Contestant["name"]; worker: Worker<Greeting> }[],
  replies: ReadonlyMap<string, readonly Reply[]>,
): Comparison {
  const of = (name: string): readonly Reply[] => replies.get(name) ?? [];
  const reference = of("native")[0].answer;
  const disagreement = Math.max(...workers.map(({ name }) => difference(of(name)[0].answer, reference)));
  if (!(disagreement <= AGREEMENT)) {
    throw new Error(`${task.name}: the answers differ by ${disagreement}, so their times mean nothing.`);
  }
  const peer = of("NumPy").map(total);
  const contestants = workers.map(({ name, worker }): Contestant => {
    const seconds = of(name).map(total);
    const stageNames = Object.keys(of(name)[0].stages);
    const medians = stageNames.map((stage) => [stage, spreadOf(of(name).map(({ stages }) => stages[stage])).median]);
    return {
      name,
      library: worker.greeting.ready,
      seconds: spreadOf(seconds),
      stages: Object.fromEntries(medians) as Stages,
      ratio: name === "NumPy" || peer.length === 0 ? null : spreadOf(seconds.map((value, i) => value / peer[i])),
    };
  });
  return { task, contestants, disagreement };
}

/** The slope of an unpenalised in-sample fit is 0, so it is compared on the curvature's scale. */
function difference(a: Answer, b: Answer): number {
  return Math.max(
    largestDifference(a.parameters, b.parameters),
    largestDifference(a.influence, b.influence),
    largestDifference([a.scale], [b.scale]),
    largestDifference([a.penalty], [b.penalty]),
    largestDifference([a.slope, a.curvature], [b.slope, b.curvature]),
    largestDifference([a.change], [b.change]),
  );
}
