import type { PathEvent, PathSection } from "@aif/core";
import { shownName } from "./ground.js";
import { padEnd, wrap } from "./layout.js";
import { count, short } from "./numbers.js";

/** More events of coefficients than this are left to JSON. */
const longestList = 40;
const epsilonWidth = 16;

const words: Readonly<Partial<Record<PathEvent["kind"], string>>> = {
  "coefficient-zero": "reaches 0",
  "coefficient-leaves": "leaves 0",
  "tie-forms": "joins the largest",
  "tie-breaks": "leaves the largest",
};

/** What happens to coefficients, in order, and how many residuals stick. */
export function pathEventLines({ events }: PathSection): string[] {
  const named = events.filter(({ kind }) => kind in words);
  const number = (kind: PathEvent["kind"]): number => events.filter((event) => event.kind === kind).length;
  const more = named.length - longestList;
  const [sticks, leaves] = [number("residual-sticks"), number("residual-leaves")];
  return [
    ...named.slice(0, longestList).map(eventLine),
    ...(more > 0 ? [`  and ${count(more, "more event")} of coefficients, all in --format json`] : []),
    ...(sticks > 0
      ? wrap(
          `Residuals stick ${count(sticks, "time")} at the corner of their robust loss, and leave it ${count(leaves, "time")}.`,
          { indent: 2 },
        )
      : []),
  ];
}

const eventLine = ({ epsilon, within, kind, feature }: PathEvent): string => {
  const about = within > 1e-3 * epsilon ? "≈" : "=";
  return `${padEnd(`  ε ${about} ${short(epsilon, 4)}`, epsilonWidth)}${shownName(feature ?? "", 40)} ${words[kind] ?? ""}`;
};
