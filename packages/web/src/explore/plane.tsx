import { useRef } from "preact/hooks";
import type { Answer, Line, Point } from "./idea.js";

const SIZE = 480;
/** The plane shows −REACH … REACH in both directions. */
const REACH = 4;
const STEP = 0.1;

const toX = (x: number): number => ((x + REACH) / (2 * REACH)) * SIZE;
const toY = (y: number): number => SIZE - toX(y);
const clamped = (value: number): number => Math.max(-REACH, Math.min(REACH, value));

interface Props {
  readonly kind: "classification" | "regression";
  readonly points: readonly Point[];
  readonly radius: number;
  readonly answer: Answer | null;
  readonly onMove: (k: number, x: number, y: number) => void;
}

/** Points that can be dragged, the lines through them, and where the adversary pushes each. */
export function Plane({ kind, points, radius, answer, onMove }: Props) {
  const frame = useRef<SVGSVGElement>(null);
  const place = (event: PointerEvent): readonly [number, number] => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return [0, 0];
    const x = ((event.clientX - box.left) / box.width) * 2 * REACH - REACH;
    const y = REACH - ((event.clientY - box.top) / box.height) * 2 * REACH;
    return [clamped(x), clamped(y)];
  };
  const lines: readonly (readonly [string, Line | undefined])[] = [
    ["fitted", answer?.fitted],
    ["exact", answer?.exact],
    ["predicted", answer?.predicted],
  ];
  return (
    <svg
      ref={frame}
      class="plane"
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      role="group"
      aria-label="Points and lines; use the arrow keys to move a point"
    >
      {Array.from({ length: 2 * REACH + 1 }, (_, k) => k - REACH).map((at) => (
        <g key={at} class={at === 0 ? "axis" : "grid"} aria-hidden="true">
          <line x1={toX(at)} x2={toX(at)} y1={0} y2={SIZE} />
          <line y1={toY(at)} y2={toY(at)} x1={0} x2={SIZE} />
        </g>
      ))}
      {lines.map(([name, line]) => {
        const ends = line && endsOf(kind, line);
        return ends ? (
          <line
            key={name}
            class={`model ${name}`}
            x1={toX(ends[0])}
            y1={toY(ends[1])}
            x2={toX(ends[2])}
            y2={toY(ends[3])}
          />
        ) : null;
      })}
      {points.map((point, k) => {
        const push = answer?.directions[k] ?? [0, 0];
        const end = [point.x + radius * push[0], point.y + radius * push[1]];
        return (
          <g key={k}>
            {radius > 0 && (
              <line
                class="push"
                x1={toX(point.x)}
                y1={toY(point.y)}
                x2={toX(end[0])}
                y2={toY(end[1])}
                aria-hidden="true"
              />
            )}
            <circle
              class={kind === "classification" ? (point.label > 0 ? "point plus" : "point minus") : "point plus"}
              cx={toX(point.x)}
              cy={toY(point.y)}
              r={7}
              tabindex={0}
              role="button"
              aria-label={`point ${k + 1}${kind === "classification" ? `, class ${point.label > 0 ? "+" : "−"}` : ""}, at ${point.x.toFixed(1)}, ${point.y.toFixed(1)}`}
              onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
              onPointerMove={(event) => {
                if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
                onMove(k, ...place(event));
              }}
              onKeyDown={(event) => {
                const move = MOVES[event.key];
                if (!move) return;
                event.preventDefault();
                onMove(k, clamped(point.x + move[0]), clamped(point.y + move[1]));
              }}
            />
          </g>
        );
      })}
    </svg>
  );
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};

/** Where a line leaves a plane twice as large: f = 0 of a classification, y = f(x) of a regression. */
function endsOf(kind: Props["kind"], line: Line): readonly [number, number, number, number] | null {
  const far = 2 * REACH;
  const [b, first, second] = line;
  if (kind === "regression") return [-far, b - first * far, far, b + first * far];
  if (Math.abs(first) + Math.abs(second) < 1e-9) return null;
  if (Math.abs(second) > Math.abs(first)) return [-far, (first * far - b) / second, far, (-first * far - b) / second];
  return [(second * far - b) / first, -far, (-second * far - b) / first, far];
}
