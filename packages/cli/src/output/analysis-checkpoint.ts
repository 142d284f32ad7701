import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { differenceOf, type Facts, plainFacts, type Ranks } from "@aif/core";
import { writeFileAtomically } from "@aif/core/node";
import { inputError } from "../errors.js";
import { type CheckpointFile, readCheckpoint } from "./checkpoint-file.js";

const SCHEMA = "aif.checkpoint/1";

/** Writing may take this share of the time. */
const WRITING_SHARE = 0.05;

type Stages = Record<string, readonly string[]>;

/**
 * What an analysis by passes has found out so far, in a file that is always whole: a line that says what it is about, with a check
 * sum of the second line, which holds the numbers by stage. One process reads and writes it for all.
 */
export class AnalysisCheckpoint {
  private written = Number.NEGATIVE_INFINITY;
  private took = 0;

  private constructor(
    readonly path: string,
    private readonly facts: Facts,
    private readonly ranks: Ranks,
    private readonly stages: Stages,
  ) {}

  /**
   * null without --checkpoint.
   * @param facts what the analysis depends on: a file about anything else is refused
   * @throws as `readCheckpoint`. input: a file that is damaged, or about something else.
   */
  static async open(choice: CheckpointFile, facts: Facts, ranks: Ranks): Promise<AnalysisCheckpoint | null> {
    const { checkpoint: path, resume } = choice;
    const own = ranks.rank === 0 ? await readCheckpoint(choice) : null;
    if (path === null) return null;
    const plain = plainFacts(facts);
    const [text] = resume ? await ranks.gather(own ?? "") : [""];
    return new AnalysisCheckpoint(path, plain, ranks, resume ? stagesOf(text, path, plain) : {});
  }

  load(stage: string): readonly string[] | null {
    return this.stages[stage] ?? null;
  }

  async save(stage: string, data: readonly string[]): Promise<void> {
    this.stages[stage] = data;
    if (this.ranks.rank !== 0) return;
    if (performance.now() - this.written < this.took / WRITING_SHARE) return;
    const started = performance.now();
    await writeFileAtomically(this.path, textOf(this.stages, this.facts));
    this.written = performance.now();
    this.took = this.written - started;
  }

  /** The work is done: nothing is left to go on with. */
  async remove(): Promise<void> {
    if (this.ranks.rank === 0) await rm(this.path, { force: true });
  }
}

const checkOf = (text: string): string => createHash("sha256").update(text).digest("hex");

function textOf(stages: Stages, facts: Facts): string {
  const body = JSON.stringify(stages);
  return `${JSON.stringify({ schema: SCHEMA, facts, check: checkOf(body) })}\n${body}\n`;
}

function stagesOf(text: string, path: string, facts: Facts): Stages {
  const [head, body = ""] = text.split("\n");
  const about = headOf(head);
  if (about === null) throw inputError(`${path} is no checkpoint of an analysis; check its name.`);
  if (about.schema !== SCHEMA) {
    throw inputError(
      `${path} is a checkpoint of another version of aif (${about.schema}): start anew without --resume.`,
    );
  }
  if (about.check !== checkOf(body)) {
    throw inputError(`The checkpoint ${path} is cut off or damaged: delete it, and start anew without --resume.`);
  }
  if (JSON.stringify(about.facts) !== JSON.stringify(facts)) {
    const { path: what, one, two } = differenceOf(about.facts, facts);
    throw inputError(
      `${path} is the checkpoint of another analysis (${what} was ${one} there and is ${two} here): resume with the same version, options and files, or name another file.`,
    );
  }
  const stages: unknown = JSON.parse(body);
  if (areStages(stages)) return stages;
  throw inputError(`The checkpoint ${path} is cut off or damaged: delete it, and start anew without --resume.`);
}

const areStages = (value: unknown): value is Stages =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every((list) => Array.isArray(list) && list.every((text) => typeof text === "string"));

function headOf(line: string): { readonly schema: string; readonly check: string; readonly facts: Facts } | null {
  try {
    const parsed: unknown = JSON.parse(line);
    const known = typeof parsed === "object" && parsed !== null && "schema" in parsed;
    return known && String(parsed.schema).startsWith("aif.checkpoint/")
      ? (parsed as { schema: string; check: string; facts: Facts })
      : null;
  } catch {
    return null;
  }
}
