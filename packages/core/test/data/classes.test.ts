import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { encode } from "../../src/data/encode-table.js";
import { expectFailure, read } from "./helpers.js";

describe("a target of several classes", () => {
  const text = "a,t\n1,elm\n2,ash\n3,oak\n4,ash\n";

  test("is the index of the label in sorted order", async () => {
    const data = encode(await read(text), { target: "t", task: "multiclass" });
    expect(data.classes).toEqual(["ash", "elm", "oak"]);
    expect([...data.y]).toEqual([1, 0, 2, 0]);
    expect(data.labels).toBeNull();
    expect(data.encoding.target).toEqual({
      column: "t",
      task: "multiclass",
      labels: null,
      classes: ["ash", "elm", "oak"],
    });
  });

  test("sorts numbers by value, and takes two as well", async () => {
    const numbers = encode(await read("a,t\n1,10\n2,9\n3,-1\n4,9\n"), { target: "t", task: "multiclass" });
    expect(numbers.classes).toEqual(["-1", "9", "10"]);
    expect([...numbers.y]).toEqual([2, 1, 0, 1]);
    const two = encode(await read("a,t\n1,yes\n2,no\n3,no\n"), { target: "t", task: "multiclass" });
    expect([two.classes, [...two.y]]).toEqual([
      ["no", "yes"],
      [1, 0, 0],
    ]);
  });

  test("keeps its classes in other files and refuses new ones", async () => {
    const data = encode(await read(text), { target: "t", task: "multiclass" });
    const other = applyEncoding(await read("a,t\n5,oak\n6,ash\n"), data.encoding, { role: "evaluation" });
    expect([...other.y]).toEqual([2, 0]);
    const strange = await read("a,t\n5,oak\n6,yew\n");
    await expectFailure(
      () => applyEncoding(strange, data.encoding, { role: "evaluation" }),
      "input",
      /"t" is "yew" in data row 2, which is none of the 3 training classes \("ash", "elm", "oak"\)/,
    );
    const renumbered = encode(await read("a,t\n1,10\n2,9\n3,-1\n4,9\n"), { target: "t", task: "multiclass" });
    const numbers = await read("a,t\n5,9\n6,11\n");
    await expectFailure(
      () => applyEncoding(numbers, renumbered.encoding, { role: "evaluation" }),
      "input",
      /is "11" in data row 2, which is none of the 3 training classes/,
    );
  });

  test("refuses --positive and too many labels", async () => {
    const table = await read(text);
    await expectFailure(
      () => encode(table, { target: "t", task: "multiclass", positive: "elm" }),
      "usage",
      /--positive "elm" needs a target of two labels; "t" holds classes/,
    );
    const many = await read(`a,t\n${Array.from({ length: 300 }, (_, i) => `${i % 7},${3 * i}`).join("\n")}\n`);
    await expectFailure(
      () => encode(many, { target: "t", task: "multiclass" }),
      "input",
      /more than 200 different values .* too many for classes/,
    );
    const decimals = await read(`a,t\n${Array.from({ length: 30 }, (_, i) => `${i % 7},${i / 8}`).join("\n")}\n`);
    await expectFailure(
      () => encode(decimals, { target: "t", task: "multiclass" }),
      "input",
      /holds numbers with decimals .* no classes/,
    );
  });

  test("text of several labels points to a model that takes them", async () => {
    const table = await read(text);
    await expectFailure(() => encode(table, { target: "t" }), "input", /--model softmax/);
  });
});
