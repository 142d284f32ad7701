/**
 * Vitest's runner with one thing more: each test that has passed is run again for every error that it met and that is still
 * alive, in the same warm process.
 */
import { setMaxListeners } from "node:events";
import fc from "fast-check";
import { type RunnerTestCase, type RunnerTestSuite, TestRunner } from "vitest";
import { Journal, killedIn, MOST_TRIES, triedIn, triesIn, tryName } from "./journal.js";
import type { Switchboard } from "./switches.js";

// Each run of a test adds a listener to its signal.
setMaxListeners(0);
/** That a property does not hold is enough: not by how little. */
fc.configureGlobal({ endOnFailure: true });

/** An error that is met so many times as often as without it goes round for ever. */
const MOST_ROUNDS = 100;

/** Tests that take no longer are asked about every error. */
const CHEAP_MILLISECONDS = 50;

const TEST = "test";
const ASIDE = "aside";

export default class SwitchingRunner extends TestRunner {
  private readonly journal = new Journal(process.env.AIF_MUTATION_FOLDER ?? "");
  private readonly board: Switchboard;
  private readonly alone = this.journal.running.active;
  private readonly most = this.journal.running.most ?? Infinity;
  private readonly killed: Set<string>;
  private readonly tried: Set<string>;
  private readonly tries: Map<string, number>;
  private readonly fresh = new Set<string>();
  private spoilt = false;

  constructor(config: ConstructorParameters<typeof TestRunner>[0]) {
    super(config);
    const entries = this.journal.read();
    this.killed = new Set(killedIn(entries).keys());
    this.tries = triesIn(entries);
    const begun = entries.findLast((entry) => entry.kind === "begin");
    this.tried = begun ? triedIn(entries, begun.file, begun.digest) : new Set();
    const shared = globalThis as { __stryker__?: Switchboard };
    this.board = shared.__stryker__ ??= {};
    this.board.mutantCoverage = { static: {}, perTest: {} };
    if (this.alone !== null) this.board.activeMutant = this.alone;
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const run = TestRunner.getTestFn(test);
    if (this.alone !== null) return run();
    const file = test.file.filepath;
    const { board } = this;
    const counts: Record<string, number> = {};
    if (board.mutantCoverage) board.mutantCoverage.perTest[TEST] = counts;
    board.currentTestId = TEST;
    const began = performance.now();
    try {
      await run();
    } catch (error) {
      if (!this.spoilt) this.journal.write({ kind: "fails", file, test: test.fullTestName });
      throw error;
    } finally {
      board.currentTestId = undefined;
    }
    const ms = performance.now() - began;
    const met = Object.keys(counts).filter((id) => !this.killed.has(id));
    this.journal.write({ kind: "test", file, test: test.fullTestName, ms, met: met.length });
    const waits = ms > this.most;
    if (waits && met.length > 0) this.journal.write({ kind: "waits", file, test: test.fullTestName });
    for (const id of met) {
      const entry = { file, test: test.fullTestName, id };
      if (this.spoilt) this.fresh.add(id);
      if (waits || this.spoilt || this.tried.has(tryName(entry))) continue;
      const tries = this.tries.get(id) ?? 0;
      if (tries >= MOST_TRIES && ms > CHEAP_MILLISECONDS) continue;
      this.tries.set(id, tries + 1);
      this.journal.write({ kind: "try", ...entry, ms });
      const { fails, hits } = await this.attempt(test, run, id, counts[id] * MOST_ROUNDS + MOST_ROUNDS);
      // What was kept from the run without the error hides it.
      if (!fails && hits === 0) this.fresh.add(id);
      if (!fails) continue;
      if ((await this.attempt(test, run, undefined, Infinity)).fails) {
        this.spoilt = true;
        this.fresh.add(id);
      } else {
        this.killed.add(id);
        this.journal.write({ kind: "killed", ...entry });
      }
    }
  }

  private async attempt(
    test: RunnerTestCase,
    run: () => unknown,
    id: string | undefined,
    limit: number,
  ): Promise<{ fails: boolean; hits: number }> {
    const { board } = this;
    this.onBeforeTryTask(test);
    Object.assign(board, { activeMutant: id, currentTestId: ASIDE, hitCount: 0, hitLimit: limit });
    let fails = false;
    try {
      await run();
    } catch {
      fails = true;
    }
    const hits = board.hitCount ?? 0;
    Object.assign(board, { activeMutant: undefined, currentTestId: undefined });
    return { fails: fails || hits > limit, hits };
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onAfterRunSuite(suite);
    if (this.alone !== null || !("filepath" in suite)) return;
    const outside = Object.keys(this.board.mutantCoverage?.static ?? {});
    const ids = [...new Set([...outside, ...this.fresh])].filter((id) => !this.killed.has(id));
    if (ids.length > 0) this.journal.write({ kind: "fresh", file: suite.file.filepath, ids });
  }
}
