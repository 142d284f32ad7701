// What one rank does for bench/many-machines.ts: the time of a round of sums, by how many numbers are added.
import { launchedRanks } from "../packages/core/dist/parallel/mpi.node.js";

const ranks = await launchedRanks();
const rounds = {};
for (const [count, times] of [
  [1000, 400],
  [1_000_000, 30],
]) {
  const numbers = new Float64Array(count);
  const taken = [];
  for (let k = 0; k < times; k++) {
    numbers.fill(ranks.rank + 1);
    const started = performance.now();
    await ranks.add(numbers);
    taken.push(performance.now() - started);
    if (numbers[count - 1] !== (ranks.size * (ranks.size + 1)) / 2) throw new Error("The sum is wrong.");
  }
  rounds[count] = taken;
}
if (ranks.rank === 0) console.log(JSON.stringify(rounds));
await ranks.finish();
ranks.leave();
