/** What the page asks of the server's commands. */
import type { About, JobRequest } from "../api.js";
import { type Option, optionsOf, type Settings } from "../settings.js";

/** Options of an analysis that say how it is judged and shown, not which model meets which adversary. */
const JUDGING = new Set(
  `--epsilon --radius --norm --evaluation --split-by --inference --confidence --draws --trust-tolerance --second-order --no-exact
   --attack-rate --by --cluster`.split(/\s+/),
);

/** Options that a command would have to know to be about the same model and adversary. */
export const unknownTo = (command: JobRequest["command"], settings: Settings, { options }: About): string[] =>
  optionsOf(settings)
    .map(([flag]) => flag)
    .filter((flag) => !JUDGING.has(flag) && !options[command].includes(flag));

/** The same model and adversary for another command, with options of its own instead of those of the settings. */
export function requestOf(
  command: JobRequest["command"],
  settings: Settings,
  { options }: About,
  own: readonly Option[],
): JobRequest {
  const replaced = new Set(own.map(([flag]) => flag));
  if (replaced.has("--epsilon")) replaced.add("--radius");
  // What it does not know and matters, it refuses in its own words.
  const shared = optionsOf(settings).filter(
    ([flag]) => !replaced.has(flag) && (options[command].includes(flag) || !JUDGING.has(flag)),
  );
  return { command, table: settings.table, options: [...shared, ...own] };
}
