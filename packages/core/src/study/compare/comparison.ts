import { encode } from "../../data/encode-table.js";
import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { AifError, type ErrorCode } from "../../errors.js";
import { ensureBlas } from "../../linalg/backend.js";
import { deal } from "../../parallel/deal.js";
import { ALONE } from "../../parallel/ranks.js";
import type { Work } from "../../parallel/work.js";
import { isKernelModel } from "../kernel-settings.js";
import { hasClosedForm } from "../local-settings.js";
import { encodeOptions, explainMissingHeader, splitRows, stopwatch } from "../prepare.js";
import { clusterCount, refuseOneCluster } from "../row-sampling.js";
import type { StudySettings } from "../settings.js";
import { readyClosed } from "./closed-candidate.js";
import { comparisonFlags } from "./comparison-flags.js";
import type { ComparisonInput, WholeInput } from "./comparison-input.js";
import type { ComparisonResult } from "./comparison-result.js";
import { comparedModel, dataSection, settingsSection } from "./comparison-sections.js";
import { comparisonWords } from "./comparison-words.js";
import type { EvaluatedCandidate, ReadyCandidate } from "./evaluated.js";
import {
  type Candidate,
  candidatesOf,
  columnsOf,
  familyTask,
  modelSettings,
  refuseOtherLosses,
  wholeFamily,
} from "./family.js";
import { type ComparisonGround, foldsOf, samplings } from "./ground.js";
import { readyKernel } from "./kernel-candidate.js";
import { readyLocal } from "./local-candidate.js";
import { Grounds, withoutDraws } from "./noise-ground.js";
import { type Convention, comparedPopulations, comparedRows, frontierOf } from "./quantities.js";
import { type ComparedSizes, givenSizes, referenceScaleOf, type TrustedModel, trustedSizes } from "./sizes.js";

/**
 * A family of models on the same rows, the same folds and the same attack: natural loss and cost of robustness of each, under both
 * conventions of the radius (MATH 5), simultaneous intervals of all differences, the models that cannot be told from the best, and
 * the frontier of natural loss against cost.
 * @throws usage: settings or models that contradict each other. input: data that do not suit. numerical: a model without a fit.
 */
export async function compare(given: ComparisonInput, work: Work = {}): Promise<ComparisonResult> {
  const input: WholeInput = { ...given, family: wholeFamily(given.family) };
  const { settings, table, family, readSeconds: read = 0 } = input;
  const models = modelSettings(settings, family);
  await ensureBlas();
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const { training, evaluation } = splitRows(encodeFamily(input, models), input);
  refuseOtherLosses(models, training);
  refuseOneCluster(clusterCount(training, settings), settings);
  const columns = columnsOf(training);
  const candidates = candidatesOf(models, family.features, columns, table.source, usualModel(training, settings));
  const referenceScale = await referenceScaleOf(settings, training, work);
  const ground: ComparisonGround = {
    training,
    evaluation,
    ...foldsOf(settings, training),
    sampling: samplings(training, evaluation, settings),
    columns,
    steps: { forward: longestForward(candidates) },
    orders: new Map(),
    equations: new Map(),
  };
  const { evaluated, failed, sizes } = await evaluateAll(candidates, ground, referenceScale, input, work);
  const modelSeconds = clock.lap();
  const sections = sectionsOf(evaluated, sizes, ground, settings);
  const differenceSeconds = clock.lap();
  const { list, ...compared } = sections;
  const [{ loss: name, lossLabel: label, unit }] = list;
  const told = { sizes, loss: { name, label, unit }, data: dataSection(input, ground), ...compared };
  return {
    schema: "aif.comparison/1",
    settings: settingsSection(input, ground, list[0]),
    ...told,
    failed,
    words: comparisonWords(told),
    flags: comparisonFlags(input, ground, list, compared.models, { failed, sizes }),
    timings: {
      read,
      models: modelSeconds,
      differences: differenceSeconds,
      total: read + modelSeconds + differenceSeconds,
    },
  };
}

/** The model that the target asks for, as `chooseModel` has it. */
const usualModel = ({ labels }: EncodedDataset, { loss }: StudySettings): string =>
  labels ? "logistic" : loss === "poisson" ? "poisson" : "linear";

/** The table as all models of the family see it. */
function encodeFamily({ table, settings }: WholeInput, models: readonly StudySettings[]): EncodedDataset {
  const task = familyTask(models);
  const target = table.columns.find(({ name }) => name === settings.target);
  const several = target?.kind === "categorical" && target.levels.length > 2;
  const local = models.every((one) => !hasClosedForm(one) || isKernelModel(one.model));
  return encode(table, encodeOptions(settings, task === "auto" && several && local ? "multiclass" : task));
}

const longestForward = (candidates: readonly Candidate[]): number =>
  Math.max(0, ...candidates.map(({ features }) => (features.kind === "forward" ? features.count : 0)));

/**
 * Every model at the size that was asked for, dealt to the ranks; without one all are fitted and attacked first, since the size
 * depends on how far their predictions reach.
 */
async function evaluateAll(
  candidates: readonly Candidate[],
  ground: ComparisonGround,
  referenceScale: number,
  input: WholeInput,
  work: Work,
): Promise<{ evaluated: EvaluatedCandidate[]; failed: ComparisonResult["failed"]; sizes: ComparedSizes }> {
  const { ranks = ALONE } = work;
  const grounds = new Grounds(ground);
  const ready = (k: number, part: Work): Promise<ReadyCandidate> =>
    readyCandidate(candidates[k], grounds.of(candidates[k].settings), input, part);
  const evaluatedAt = async (k: number, found: ReadyCandidate, sizes: ComparedSizes, part: Work) =>
    withoutDraws(await found.evaluate(sizes, part), grounds.of(candidates[k].settings));
  const each = <T>(phase: string, task: (k: number, part: Work) => Promise<T>): Promise<Outcome<T>[]> =>
    deal(ranks, candidates.length, (k) => attempt(() => task(k, partOf(work, phase, k, candidates.length))));
  const given = givenSizes(input.settings, referenceScale);
  const waiting = new Map<number, ReadyCandidate>();
  const trusted = given
    ? []
    : await each("fitting models", async (k, part): Promise<TrustedModel> => {
        const found = await ready(k, part);
        waiting.set(k, found);
        return { scale: found.scale, trustRadius: found.trustRadius };
      });
  const fitted = trusted.flatMap((outcome) => outcome.value ?? []);
  const sizes = given ?? trustedSizes(fitted, referenceScale);
  const outcomes = await each("comparing models", async (k, part) => {
    if (given) return evaluatedAt(k, await ready(k, part), given, part);
    const found = waiting.get(k);
    return found ? evaluatedAt(k, found, sizes, part) : null;
  });
  const failed = [trusted, outcomes].flatMap((list) =>
    list.flatMap(({ failure }, k) => (failure ? [{ name: candidates[k].name, ...failure }] : [])),
  );
  const evaluated = outcomes.flatMap(({ value }, k) => (value ? [{ ...value, candidate: candidates[k] }] : []));
  if (evaluated.length === 0) {
    const [{ name, code, reason }] = failed;
    throw new AifError(code, candidates.length === 1 ? reason : `No model of the family has a fit. ${name}: ${reason}`);
  }
  return { evaluated, failed: failed.map(({ name, reason }) => ({ name, reason })), sizes };
}

/** What became of one model; plain data. */
interface Outcome<T> {
  readonly value: T | null;
  readonly failure: { readonly code: ErrorCode; readonly reason: string } | null;
}

/** One model without a fit does not spoil the comparison of the others. */
async function attempt<T>(found: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await found(), failure: null };
  } catch (error) {
    if (!(error instanceof AifError && LEAVES_OUT.has(error.code))) throw error;
    return { value: null, failure: { code: error.code, reason: error.message } };
  }
}

const readyCandidate = (
  candidate: Candidate,
  ground: ComparisonGround,
  input: WholeInput,
  work: Work,
): Promise<ReadyCandidate> =>
  isKernelModel(candidate.settings.model)
    ? readyKernel(candidate, ground, input, work)
    : hasClosedForm(candidate.settings)
      ? readyClosed(candidate, ground, work)
      : readyLocal(candidate, ground, input, input.family.seeds, work);

/** Work whose progress is that of the family. */
function partOf({ signal, onProgress }: Work, phase: string, done: number, total: number): Work {
  const report = (): void => onProgress?.({ phase, done, total });
  report();
  return { signal, onProgress: report };
}

const LEAVES_OUT: ReadonlySet<string> = new Set(["numerical", "input", "resource"]);

/** Models by natural loss, and everything that is said of pairs of them. */
function sectionsOf(
  evaluated: readonly EvaluatedCandidate[],
  sizes: ComparedSizes,
  ground: ComparisonGround,
  settings: StudySettings,
) {
  const { training, evaluation, sampling } = ground;
  const w = (evaluation ?? training).evaluationWeights;
  const lossOf = ({ losses }: EvaluatedCandidate): number =>
    losses.natural.reduce((sum, loss, i) => sum + w[i] * loss, 0);
  const order = evaluated.map((one) => ({ one, loss: lossOf(one) })).toSorted((a, b) => a.loss - b.loss);
  const list = order.map(({ one }) => one);
  const rows = (columns: readonly Float64Array[]) => comparedRows(columns, w, sampling.evaluation, settings);
  const natural = rows(list.map(({ losses }) => losses.natural));
  const costs = (convention: Convention) =>
    frontierOf(
      natural,
      rows(list.map(({ losses }) => losses[convention].changes)),
      comparedPopulations(list, convention, { w: training.weights, sampling: sampling.training }, settings),
    );
  return {
    list,
    models: list.map((one) => comparedModel(one, sizes, ground, settings)),
    natural,
    relative: costs("relative"),
    absolute: costs("absolute"),
  };
}
