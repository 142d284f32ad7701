import { Matrix } from "../linalg/matrix.js";
import type { RandomStream } from "../stats/random.js";

/** Pictures of handwritten digits, a row of pixels each, with what they show. */
export interface Digits {
  /** n×784, 0 … 1 */
  readonly pixels: Matrix;
  /** n: 0 … 9 */
  readonly labels: Float64Array;
}

const DIGIT_SIDE = 28;

type Point = readonly [x: number, y: number];
type Stroke = readonly Point[];

/** A stretch of an ellipse from one angle to another, in turns, clockwise from the right (y points down). */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Stroke {
  return Array.from({ length: 17 }, (_, k) => {
    const angle = 2 * Math.PI * (from + ((to - from) * k) / 16);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)] as const;
  });
}

/** The ten digits as strokes in the unit square, y down. */
const TEMPLATES: readonly (readonly Stroke[])[] = [
  [arc(0.5, 0.5, 0.26, 0.38, 0, 1)],
  [
    [
      [0.38, 0.26],
      [0.54, 0.12],
      [0.54, 0.88],
    ],
  ],
  [
    arc(0.5, 0.33, 0.24, 0.21, 0.5, 1.06),
    [
      [0.73, 0.42],
      [0.27, 0.87],
      [0.76, 0.87],
    ],
  ],
  [arc(0.47, 0.31, 0.23, 0.19, 0.55, 1.25), arc(0.47, 0.68, 0.26, 0.19, -0.25, 0.45)],
  [
    [
      [0.6, 0.12],
      [0.24, 0.62],
      [0.78, 0.62],
    ],
    [
      [0.62, 0.4],
      [0.62, 0.9],
    ],
  ],
  [
    [
      [0.72, 0.13],
      [0.34, 0.13],
      [0.31, 0.46],
    ],
    arc(0.48, 0.64, 0.25, 0.23, 0.62, 1.42),
  ],
  [
    [
      [0.62, 0.1],
      [0.38, 0.38],
      [0.28, 0.66],
    ],
    arc(0.5, 0.68, 0.22, 0.2, 0, 1),
  ],
  [
    [
      [0.25, 0.14],
      [0.75, 0.14],
      [0.44, 0.88],
    ],
  ],
  [arc(0.5, 0.31, 0.2, 0.18, 0, 1), arc(0.5, 0.69, 0.24, 0.2, 0, 1)],
  [
    arc(0.5, 0.33, 0.22, 0.21, 0, 1),
    [
      [0.72, 0.34],
      [0.66, 0.62],
      [0.52, 0.9],
    ],
  ],
];

/** How much pictures of a digit differ: turn, shear and size (standard deviations), shift, width of the pen (pixels). */
const VARIATION = { turn: 0.12, shear: 0.15, size: 0.08, shift: 1, pen: [0.9, 1.7] } as const;

/** n digits drawn by strokes of random turn, shear, size, place and width: no photographs of handwriting, but like it. */
export function drawnDigits(count: number, random: RandomStream): Digits {
  const pixels = Matrix.zeros(count, DIGIT_SIDE ** 2);
  const labels = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = Math.min(9, Math.floor(10 * random.uniform()));
    draw(TEMPLATES[labels[i]], random, pixels.row(i));
  }
  return { pixels, labels };
}

function draw(strokes: readonly Stroke[], random: RandomStream, out: Float64Array): void {
  const { turn, shear, size, shift, pen } = VARIATION;
  const angle = turn * random.normal();
  const slant = shear * random.normal();
  const [wide, tall] = [20 * (1 + size * random.normal()), 20 * (1 + size * random.normal())];
  const middle = DIGIT_SIDE / 2;
  const [dx, dy] = [middle + shift * random.normal(), middle + shift * random.normal()];
  const width = pen[0] + (pen[1] - pen[0]) * random.uniform();
  const place = ([x, y]: Point): Point => {
    const [u, v] = [wide * (x - 0.5 + slant * (0.5 - y)), tall * (y - 0.5)];
    return [dx + Math.cos(angle) * u - Math.sin(angle) * v, dy + Math.sin(angle) * u + Math.cos(angle) * v];
  };
  for (const stroke of strokes) {
    const points = stroke.map(place);
    for (let k = 1; k < points.length; k++) ink(points[k - 1], points[k], width, out);
  }
}

/** A line of a pen with soft edges: 1 within its width, 0 a pixel farther out. */
function ink([ax, ay]: Point, [bx, by]: Point, width: number, out: Float64Array): void {
  const [ux, uy] = [bx - ax, by - ay];
  const square = ux * ux + uy * uy;
  for (let row = 0, at = 0; row < DIGIT_SIDE; row++) {
    for (let column = 0; column < DIGIT_SIDE; column++, at++) {
      const [px, py] = [column + 0.5 - ax, row + 0.5 - ay];
      const share = square > 0 ? Math.max(0, Math.min(1, (px * ux + py * uy) / square)) : 0;
      const distance = Math.hypot(px - share * ux, py - share * uy);
      out[at] = Math.max(out[at], Math.max(0, Math.min(1, width + 0.5 - distance)));
    }
  }
}
