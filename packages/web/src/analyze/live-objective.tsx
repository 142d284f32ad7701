import { words } from "@aif/core";
import { useEffect, useState } from "preact/hooks";
import type { JobStatus } from "../api.js";

const { number, short } = words;

type Step = NonNullable<NonNullable<JobStatus["progress"]>["step"]>;

const WIDTH = 480;
const HEIGHT = 160;
const PAD = 8;

/** The robust objective while training runs: every iteration that has been told of, and where it is now. */
export function LiveObjective({ status }: { readonly status: JobStatus | null }) {
  const [steps, setSteps] = useState<readonly Step[]>([]);
  const step = status?.progress?.step;
  useEffect(() => setSteps([]), [status?.id]);
  useEffect(() => {
    if (step) setSteps((before) => [...before.filter(({ iteration }) => iteration < step.iteration), step]);
  }, [step?.iteration]);
  const last = steps.at(-1);
  if (!last || steps.length < 2) return null;
  const objectives = steps.map(({ objective }) => objective);
  const [least, most] = [Math.min(...objectives), Math.max(...objectives)];
  const x = (iteration: number): number =>
    PAD + ((iteration - steps[0].iteration) / (last.iteration - steps[0].iteration)) * (WIDTH - 2 * PAD);
  const y = (objective: number): number =>
    HEIGHT - PAD - ((objective - least) / (most - least || 1)) * (HEIGHT - 2 * PAD);
  return (
    <figure class="live">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`The robust objective fell from ${number(most, 4)} to ${number(last.objective, 4)}`}
      >
        <polyline
          class="model predicted"
          points={steps
            .map(({ iteration, objective }) => `${x(iteration).toFixed(1)},${y(objective).toFixed(1)}`)
            .join(" ")}
        />
      </svg>
      <figcaption class="faint">
        Robust objective: {number(most, 4)} at first, {number(last.objective, 6)} after {last.iteration} iterations
        {last.gap !== null && `; at most ${short(last.gap)} of it above the optimum`}
      </figcaption>
    </figure>
  );
}
