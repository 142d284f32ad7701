import { type Case, draw, type Peer } from "./cases.js";
import type { Answer, Stages } from "./library.js";
import { startLibrary, startPeer, type Worker } from "./process.js";
import { largestDifference, type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

/** Both sides must agree this well before their times count. */
const AGREEMENT = 1e-8;

interface Reply {
  readonly stages: Stages;
  readonly answer: Partial<Answer>;
  /** Bytes. */
  readonly peak?: number;
  /** Processor seconds of all its threads. */
  readonly cpu?: number;
  /** Of an iterative solver that may not have converged. */
  readonly residual?: number;
}

export interface Greeting {
  readonly ready: string;
}

/** One contestant's times in seconds, and round by round against the first peer's. */
export interface Contestant {
  readonly name: Peer | "native" | "portable";
  readonly library: string;
  readonly seconds: Spread;
  /** Median seconds by stage. */
  readonly stages: Stages;
  readonly ratio: Spread | null;
  /** The most memory that its process had, in bytes. */
  readonly peak: number | null;
  readonly residual: number | null;
  /** Median processor seconds. */
  readonly cpu: number | null;
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
    const { peers = ["NumPy"], job = "analyse", warmUp = 2 } = task;
    const count = String(threads);
    const environment = { OPENBLAS_NUM_THREADS: count, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
    for (const peer of peers) {
      const worker = await startPeer<Greeting>(peer, task, files, environment);
      if (worker) workers.push({ name: peer, worker });
    }
    const args = [job, JSON.stringify(task), files.x, files.y];
    workers.push({ name: "native", worker: await startLibrary<Greeting>(args, { AIF_THREADS: count }) });
    workers.push({
      name: "portable",
      worker: await startLibrary<Greeting>(args, { AIF_BLAS: "off", AIF_THREADS: count }),
    });
    const replies = new Map<string, Reply[]>(workers.map(({ name }) => [name, []]));
    for (let round = 0; round < warmUp + task.rounds; round++) {
      for (const { name, worker } of workers) {
        const reply = await worker.ask<Reply>();
        if (round >= warmUp) replies.get(name)?.push(reply);
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
  const converged = workers.filter(({ name }) => !((of(name)[0].residual ?? 0) > AGREEMENT));
  const disagreement = Math.max(...converged.map(({ name }) => difference(of(name)[0].answer, reference)));
  if (!(disagreement <= AGREEMENT)) {
    throw new Error(`${task.name}: the answers differ by ${disagreement}, so their times mean nothing.`);
  }
  const peer = of(task.peers?.[0] ?? "NumPy").map(total);
  const contestants = workers.map(({ name, worker }): Contestant => {
    const seconds = of(name).map(total);
    const stageNames = Object.keys(of(name)[0].stages);
    const medians = stageNames.map((stage) => [stage, spreadOf(of(name).map(({ stages }) => stages[stage])).median]);
    return {
      name,
      library: worker.greeting.ready,
      seconds: spreadOf(seconds),
      stages: Object.fromEntries(medians) as Stages,
      ratio: !isOurs(name) || peer.length === 0 ? null : spreadOf(seconds.map((value, i) => value / peer[i])),
      peak: of(name).at(-1)?.peak ?? null,
      residual: of(name)[0].residual ?? null,
      cpu: of(name)[0].cpu === undefined ? null : spreadOf(of(name).map(({ cpu }) => cpu ?? 0)).median,
    };
  });
  return { task, contestants, disagreement };
}

export const isOurs = (name: Contestant["name"]): boolean => name === "native" || name === "portable";

const NOTHING = { parameters: [], influence: [], scale: 0, penalty: 0, slope: 0, curvature: 0, change: 0 };

/** The slope of an unpenalised in-sample fit is 0, so it is compared on the curvature's scale. What one side lacks is not compared. */
function difference(one: Partial<Answer>, other: Partial<Answer>): number {
  const shared = Object.keys(one).filter((key) => key in other) as (keyof Answer)[];
  const of = (whole: Partial<Answer>): Answer => ({
    ...NOTHING,
    ...Object.fromEntries(shared.map((key) => [key, whole[key]])),
  });
  const [a, b] = [of(one), of(other)];
  return Math.max(
    largestDifference(a.parameters, b.parameters),
    largestDifference(a.influence, b.influence),
    largestDifference([a.scale], [b.scale]),
    largestDifference([a.penalty], [b.penalty]),
    largestDifference([a.slope, a.curvature], [b.slope, b.curvature]),
    largestDifference([a.change], [b.change]),
  );
}
