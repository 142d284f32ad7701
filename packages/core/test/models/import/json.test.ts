import fc from "fast-check";
import { expect, test } from "vitest";
import { type Json, parseJson } from "../../../src/models/import/json.js";

function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

test("reads what JSON.parse reads", () => {
  const value = fc.jsonValue({ maxDepth: 5 }).filter((json) => !JSON.stringify(json).includes('"__proto__"'));
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(json, null, indent);
      expect(plain(parseJson(text, "x"))).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses what JSON.parse refuses", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.string({ maxLength: 2 }), (json, place, inserted) => {
      const text = JSON.stringify(json);
      const at = place % (text.length + 1);
      const changed = text.slice(0, at) + inserted + text.slice(at);
      let valid = true;
      try {
        JSON.parse(changed);
      } catch {
        valid = false;
      }
      if (!valid) expect(() => parseJson(changed, "x")).toThrow(/^x is no JSON that can be read/);
    }),
    { numRuns: 500 },
  );
});
