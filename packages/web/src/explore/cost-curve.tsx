import { words } from "@aif/core";
import { type Answer, MOST_RADIUS } from "./idea.js";

const WIDTH = 480;
const HEIGHT = 240;
const PAD = { left: 58, right: 12, top: 14, bottom: 38 };

interface Props {
  readonly answer: Answer | null;
  readonly radius: number;
}

/** S against the size of the attack, predicted and exact, while points are moved. */
export function CostCurve({ answer, radius }: Props) {
  const curve = answer?.curve ?? [];
  const heights = curve.flatMap(({ exact }) => (exact === null ? [] : [exact]));
  const most = Math.max(1e-6, ...heights) * 1.15;
  const x = (at: number): number => PAD.left + (at / MOST_RADIUS) * (WIDTH - PAD.left - PAD.right);
  const y = (at: number): number =>
    HEIGHT - PAD.bottom - (Math.max(-0.1, Math.min(1.2, at / most)) * (HEIGHT - PAD.top - PAD.bottom)) / 1.05;
  const path = (of: (point: (typeof curve)[number]) => number | null): string =>
    curve
      .flatMap((point) => {
        const value = of(point);
        return value === null ? [] : [`${x(point.radius).toFixed(1)},${y(value).toFixed(1)}`];
      })
      .join(" ");
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * MOST_RADIUS);
  return (
    <svg class="cost" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={described(answer, radius)}>
      <clipPath id="inside">
        <rect
          x={PAD.left}
          y={PAD.top - 6}
          width={WIDTH - PAD.left - PAD.right}
          height={HEIGHT - PAD.top - PAD.bottom + 8}
        />
      </clipPath>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="gridline" x1={x(tick)} x2={x(tick)} y1={PAD.top} y2={HEIGHT - PAD.bottom} />
          <text x={x(tick)} y={HEIGHT - PAD.bottom + 16} text-anchor="middle">
            {tick}
          </text>
        </g>
      ))}
      {[0, most / 2.3, most / 1.15].map((tick) => (
        <g key={tick}>
          <line class="gridline" x1={PAD.left} x2={WIDTH - PAD.right} y1={y(tick)} y2={y(tick)} />
          <text x={PAD.left - 6} y={y(tick) + 4} text-anchor="end">
            {words.short(tick, 2)}
          </text>
        </g>
      ))}
      <text x={(PAD.left + WIDTH) / 2} y={HEIGHT - 4} text-anchor="middle">
        ρ, size of the attack
      </text>
      <g clip-path="url(#inside)">
        <polyline class="model exact" points={path(({ exact }) => exact)} />
        <polyline class="model predicted" points={path(({ predicted }) => predicted)} />
        <line class="mark" x1={x(radius)} x2={x(radius)} y1={0} y2={HEIGHT} />
      </g>
    </svg>
  );
}

const described = (answer: Answer | null, radius: number): string =>
  answer === null
    ? "The cost of robustness against the size of the attack"
    : `At ρ = ${words.short(radius)} robust training costs ${words.number(answer.exactChange)} of the natural loss; predicted ${words.number(answer.predictedChange)}`;
