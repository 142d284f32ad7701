import { expect, test } from "vitest";
import type { StudySettings } from "../../../src/index.js";
import { Random } from "../../models/naive.js";
import { categorical, numeric, table } from "../tables.js";
import { SAID_OF_PASSING, streamed } from "./agreement.js";

const random = new Random(11);
const a = Array.from({ length: 90 }, () => random.normal());
const data = table([
  numeric("a", a),
  numeric(
    "y",
    a.map((value) => 2 * value + random.normal()),
  ),
  categorical(
    "kind",
    a.map((value) => (value + random.normal() > 0.3 ? "fern" : value < -0.4 ? "moss" : "rose")),
  ),
]);

const training = { evaluation: { kind: "training" }, norms: [2] } as const satisfies Partial<StudySettings>;

test.each<[name: string, asked: Partial<StudySettings>, leavesOut: boolean]>([
  ["a linear model with exact optima", { target: "y", exclude: ["kind"], exact: true }, true],
  ["a linear model without", { target: "y", exclude: ["kind"], exact: false }, false],
  ["a softmax model, which has none", { target: "kind", exclude: ["y"], model: "softmax", l2: 0.1 }, false],
])("nothing is advised on what is left out where nothing is: %s", async (_, asked, leavesOut) => {
  const [{ flags }] = await streamed(data, { ...training, ...asked });
  const said = flags.filter(({ code }) => SAID_OF_PASSING.has(code));
  expect(said[0]).toEqual({
    code: "streamed",
    level: "note",
    message: "The rows passed by block by block.",
    help: "Nothing. See docs/flags.md#streamed.",
  });
  expect(said.slice(1).map(({ code, message }) => [code, message])).toEqual(
    leavesOut ? [["left-out-streamed", "Left out: exact robust optima, which need all rows at once."]] : [],
  );
});
