// What one rank does in mpi.test.ts: node --expose-gc ranks-driver.mjs <what>
import { agree } from "../../dist/parallel/agreement.js";
import { launchedRanks } from "../../dist/parallel/mpi.node.js";

const [what] = process.argv.slice(2);
const ranks = await launchedRanks();
const { rank, size } = ranks;

const series = (length) => Float64Array.from({ length }, (_, k) => Math.sin(k + 1) * (rank + 1));

/** Sums of many lengths, checked against what they must be to rounding; what every rank got, as text. */
async function sums() {
  const digits = [];
  let worst = 0;
  for (const lengths of [[0], [1], [3, 0, 5], [1021], [1022], [5000, 7], [1 << 20, 2000], [2.5e6]]) {
    const arrays = lengths.map(series);
    const waiting = ranks.add(...arrays);
    globalThis.gc?.();
    await waiting;
    for (const array of arrays) {
      for (let k = 0; k < array.length; k++) {
        worst = Math.max(worst, Math.abs(array[k] - (Math.sin(k + 1) * size * (size + 1)) / 2));
      }
    }
    digits.push(arrays.map((array) => array.subarray(0, 3).join(",")).join(";"));
  }
  // Two at once take their turns.
  const [a, b] = [Float64Array.of(1), Float64Array.of(10)];
  await Promise.all([ranks.add(a), ranks.add(b)]);
  const seen = await ranks.gather(JSON.stringify({ digits, a: a[0], b: b[0], worst }));
  const texts = await ranks.gather(rank === 1 ? "" : `rang ${rank} ✓`.repeat(rank + 1));
  if (rank === 0) console.log(JSON.stringify({ size, seen: seen.map((text) => JSON.parse(text)), texts }));
}

/** The event loop turns while a rank waits for the others. */
async function waits() {
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  if (rank > 0) await new Promise((resolve) => setTimeout(resolve, 300));
  const before = process.cpuUsage();
  await ranks.add(new Float64Array(10));
  const { user, system } = process.cpuUsage(before);
  clearInterval(timer);
  if (rank === 0) console.log(JSON.stringify({ turns, busy: (user + system) / 1e6 }));
}

const works = {
  async sums() {
    await sums();
    await waits();
  },
  /** All but one go on adding; that one has had enough. */
  async fails() {
    for (let round = 0; round < 5; round++) {
      if (rank === size - 1 && round === 2) throw new Error("part-7.csv, row 3: this is no number");
      await ranks.add(series(5000));
    }
  },
  async differs() {
    await agree(ranks, { "the version of aif": rank === 1 ? "0.9.0" : "1.0.0" }, `host${rank}`);
  },
  /** A rank that ends without a word. */
  async leaves() {
    if (rank === 1) process.exit(7);
    await ranks.add(series(10));
  },
  async bursts() {
    if (rank === 1) setTimeout(() => JSON.parse("{"), 10);
    await ranks.add(series(rank === 1 ? 0 : 0));
    if (rank === 1) await new Promise((resolve) => setTimeout(resolve, 60_000));
    await ranks.add(series(10));
  },
  /** Works until it is killed; says which process to kill. */
  async works() {
    const pids = await ranks.gather(String(process.pid));
    if (rank === 0) console.log(`pids ${pids.join(" ")} .`);
    for (;;) await ranks.add(series(20_000));
  },
};

try {
  await works[what]();
  await ranks.finish();
} catch (error) {
  if (await ranks.fail(error)) {
    process.exitCode = 1;
    console.error(`rank ${rank}: ${error.message}`);
  }
}
ranks.leave();
