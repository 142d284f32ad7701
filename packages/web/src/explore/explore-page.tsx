import { words } from "@aif/core";
import { useMemo, useState } from "preact/hooks";
import { cloud } from "./clouds.js";
import { CostCurve } from "./cost-curve.js";
import { MOST_RADIUS, type Point } from "./idea.js";
import { Plane } from "./plane.js";
import { useEngine } from "./use-engine.js";

const { number, short, signed } = words;
const NORMS = [
  { value: 1, label: "l1" },
  { value: 2, label: "l2" },
  { value: 4, label: "l4" },
  { value: Number.POSITIVE_INFINITY, label: "l∞" },
];
const COUNT = 24;

type Kind = "classification" | "regression";

/** The idea in two dimensions: drag the points, and see what robustness does to the line, predicted and exact. */
export function ExplorePage() {
  const [kind, setKind] = useState<Kind>("classification");
  const [seed, setSeed] = useState(2);
  const [points, setPoints] = useState<readonly Point[]>(() => cloud("classification", COUNT, 2));
  const [p, setP] = useState(2);
  const [radius, setRadius] = useState(0.3);
  const ridge = kind === "classification" ? 0.01 : 0;
  const { answer, error } = useEngine(
    useMemo(() => ({ kind, points, p, radius, ridge }), [kind, points, p, radius, ridge]),
  );

  const begin = (next: Kind, from: number): void => {
    setKind(next);
    setSeed(from);
    setPoints(cloud(next, COUNT, from));
  };
  const move = (k: number, x: number, y: number): void =>
    setPoints((before) => before.map((point, i) => (i === k ? { ...point, x, y } : point)));

  return (
    <>
      <h1>Explore the idea</h1>
      <p>
        An adversary may push every point by up to ρ. A model trained against that gives up some of its fit. Drag the
        points: the <strong class="key fitted">fitted line</strong> follows, the{" "}
        <strong class="key exact">robust line</strong> is solved exactly, and the{" "}
        <strong class="key predicted">predicted robust line</strong> is read off one derivative at the fitted one. All
        of it runs in this browser.
      </p>
      <div class="controls">
        <fieldset class="tabs">
          <legend class="visually-hidden">Problem</legend>
          {(["classification", "regression"] as const).map((value) => (
            <label key={value} class="check">
              <input type="radio" name="kind" checked={kind === value} onChange={() => begin(value, seed)} />
              {value}
            </label>
          ))}
        </fieldset>
        <fieldset class="tabs">
          <legend class="visually-hidden">Norm of the push</legend>
          {NORMS.map(({ value, label }) => (
            <label key={label} class="check">
              <input
                type="radio"
                name="p"
                checked={p === value}
                disabled={kind === "regression"}
                onChange={() => setP(value)}
              />
              {label}
            </label>
          ))}
        </fieldset>
        <button type="button" class="act" onClick={() => begin(kind, seed + 1)}>
          other points
        </button>
      </div>
      <div class="slider">
        <label for="radius">Size of the attack</label>
        <input
          id="radius"
          type="range"
          min={0}
          max={MOST_RADIUS}
          step={0.01}
          value={radius}
          onInput={(event) => setRadius(Number(event.currentTarget.value))}
        />
        <output for="radius">ρ = {short(radius)}</output>
      </div>
      {error !== null && (
        <p class="problem" role="alert">
          {error}
        </p>
      )}
      <div class="charts">
        <Plane kind={kind} points={points} radius={radius} answer={answer} onMove={move} />
        <div>
          <h3>What it costs: change of the loss without attack</h3>
          <CostCurve answer={answer} radius={radius} />
          {answer !== null && (
            <dl class="numbers">
              <div>
                <dt>predicted</dt>
                <dd>{signed(answer.predictedChange)}</dd>
                <dd class="faint">in {number(answer.milliseconds.prediction, 2)} ms, fit included</dd>
              </div>
              <div>
                <dt>exact</dt>
                <dd>{signed(answer.exactChange)}</dd>
                <dd class="faint">in {number(answer.milliseconds.exact, 2)} ms</dd>
              </div>
            </dl>
          )}
          <p class="faint">
            {kind === "classification"
              ? "Logistic regression, log loss in nats, ridge 0.01; lines are where both classes are equally likely."
              : "Least squares, mean squared error; only x is pushed, so that all norms are alike."}{" "}
            {answer !== null &&
              answer.kinkRadius !== null &&
              `At ρ = ${short(answer.kinkRadius)} the first residual or coefficient changes sign: beyond, the prediction bends away slowly.`}
          </p>
        </div>
      </div>
    </>
  );
}
