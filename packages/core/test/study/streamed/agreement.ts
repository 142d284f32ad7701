/** Analyses of rows that pass by, beside the same in memory. */
import { expect } from "vitest";
import { analyze, assignFolds, type StudyResult, type StudySettings, type Table } from "../../../src/index.js";
import type { Checkpoint } from "../../../src/parallel/checkpoint.js";
import { encodeTraining, splitRows } from "../../../src/study/prepare.js";
import { analyzeStreamed } from "../../../src/study/streamed/analyze.js";
import { together } from "../../parallel/together.js";
import { leaves, settings } from "../tables.js";
import { cutsOf, streamOf } from "./passing-rows.js";

export interface Spread {
  /** Where ranks' rows end, as shares of all. */
  readonly bounds?: readonly number[];
  readonly rowsPerBlock?: number;
  /** What each rank may take. */
  readonly memoryBytes?: number;
  readonly checkpoint?: Checkpoint;
}

/** The results of all ranks. */
export async function streamed(
  data: Table,
  changes: Partial<StudySettings>,
  { bounds = [], rowsPerBlock = 37, memoryBytes, checkpoint }: Spread = {},
  evaluationTable?: Table,
  projectionTable?: Table,
): Promise<StudyResult[]> {
  const asked = settings(changes);
  const all = encodeTraining(data, asked);
  const { training, evaluation } = splitRows(all, {
    table: data,
    settings: asked,
    ...(evaluationTable ? { evaluationTable } : {}),
  });
  const plan = asked.evaluation;
  const foldOf =
    plan.kind === "cv"
      ? assignFolds(training.sourceRows, plan.folds, asked.seed, {
          strata: training.labels || training.classes ? training.y : undefined,
          groups: training.groups,
        })
      : null;
  const own = cutsOf(training.rows, bounds);
  const others = evaluation ? cutsOf(evaluation.rows, bounds) : [];
  const studies = await together(bounds.length + 1, (ranks) =>
    analyzeStreamed(
      {
        training: streamOf(training, { ...own[ranks.rank], ranks, foldOf, rowsPerBlock }),
        evaluation: evaluation && streamOf(evaluation, { ...others[ranks.rank], ranks, foldOf: null, rowsPerBlock }),
        settings: asked,
        projectionTable,
        source: data.source,
        readSeconds: 0,
      },
      { memoryBytes, checkpoint },
    ),
  );
  return studies.map(({ result }) => result);
}

const LEFT_OUT = /^\.timings|^\.flags/;
/** Without a closed form: how often a solution was refined hangs on rounding, and so does what is left of a residual. */
const RESIDUES = /\.solver\.(iterations|products|relativeResidual)$|gradientNorm$|newtonDecrement$/;

/** Differences of nearly equal numbers, which have no more digits in memory than these leave. */
const DIFFERENCES = /\.(changes|cost|benefit|mixed|thisData|heldOut|value)\b/;
/** What is made of such differences alone. */
const QUOTIENTS = /(errorBound|breakEvenRate|costShare|benefitShare|rowsShare|stationarity)$/;

/** Every number agrees to 1e-10 relative to itself, or to the largest number of its list. */
function expectSame(found: StudyResult, known: StudyResult): void {
  const list = (result: StudyResult) =>
    leaves(result).flatMap(({ path, value }) => {
      if (LEFT_OUT.test(path) || (known.model.kind === "softmax" && RESIDUES.test(path))) return [];
      return [{ path, value }];
    });
  const [ours, theirs] = [list(found), list(known)];
  expect(ours.map(({ path }) => path)).toEqual(theirs.map(({ path }) => path));
  const loss = Math.max(known.fit.trainingLoss, 1);
  const sizes = new Map<string, number>();
  const group = (path: string): string => path.replace(/(\[\d+\])+$/, "");
  for (const { path, value } of theirs) {
    if (typeof value === "number") sizes.set(group(path), Math.max(sizes.get(group(path)) ?? 0, Math.abs(value)));
  }
  const wrong = ours.flatMap(({ path, value }, k) => {
    const other = theirs[k].value;
    // Rows and parameters with equal shares stand in any order.
    if (TIED.test(path) && isTied(theirs, path)) return [];
    if (typeof value !== "number" || typeof other !== "number") return value === other ? [] : [{ path, value, other }];
    const difference = DIFFERENCES.exec(path)?.[0];
    const lost = difference ? 1e-13 * loss : QUOTIENTS.test(path) ? 1e-8 * Math.abs(other) : 1e-14;
    const allowed = 1e-10 * (sizes.get(group(path)) ?? 0) + lost;
    return Math.abs(value - other) <= allowed ? [] : [{ path, value, other }];
  });
  expect(wrong).toEqual([]);
  const flags = (result: StudyResult) => result.flags.filter(({ code }) => !SAID_OF_PASSING.has(code));
  expect(flags(found)).toEqual(flags(known));
}

/** Flags that only rows which pass by have. */
export const SAID_OF_PASSING: ReadonlySet<string> = new Set(["streamed", "left-out-streamed"]);

const TIED = /\[(\d+)\]\.(row|name)$/;

/** Whether the share of a row or parameter is that of one beside it, but for rounding. */
function isTied(list: readonly { readonly path: string; readonly value: unknown }[], path: string): boolean {
  const at = Number(TIED.exec(path)?.[1]);
  const share = (k: number): number => {
    const found = list.find((leaf) => leaf.path === path.replace(TIED, `[${k}].share`));
    return typeof found?.value === "number" ? Math.abs(found.value) : Number.NaN;
  };
  return [at - 1, at + 1].some((k) => Math.abs(share(k) - share(at)) <= 1e-10 * share(at));
}

export async function expectAgreement(
  data: Table,
  changes: Partial<StudySettings>,
  spread: Spread = {},
  evaluationTable?: Table,
  projectionTable?: Table,
): Promise<void> {
  const asked = { exact: false, ...changes };
  const { result } = await analyze({
    table: data,
    settings: settings(asked),
    ...(evaluationTable ? { evaluationTable } : {}),
    ...(projectionTable ? { projectionTable } : {}),
  });
  const found = await streamed(data, asked, spread, evaluationTable, projectionTable);
  for (const one of found) expectSame(one, result);
}

/** Four ranks, one without rows. */
export const RANKS: Spread = { bounds: [0.17, 0.17, 0.6], rowsPerBlock: 29 };
