import { describe, expect, test } from "vitest";
import { Matrix } from "../../../src/linalg/matrix.js";
import { type CoefficientOptions, readCoefficients } from "../../../src/models/import/coefficients.js";
import { matchColumns } from "../../../src/models/import/match.js";
import { expectFailure, utf8 } from "../../data/helpers.js";
import { evaluateNetwork } from "./evaluate.js";
import { logistic, softmax } from "./naive.js";

const read = (content: string | object, options: CoefficientOptions = {}) =>
  readCoefficients(utf8(typeof content === "string" ? content : JSON.stringify(content)), { name: "coef", ...options });

const predicted = async (
  content: string | object,
  x: number[],
  options: CoefficientOptions = {},
): Promise<number[]> => [...evaluateNetwork(await read(content, options), Matrix.fromRows([x])).data];

const exact = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

describe("coefficients from JSON", () => {
  test("names and values", async () => {
    const content = { intercept: 0.5, coefficients: { age: 2, "blood pressure": -1 } };
    const network = await read(content);
    expect(network.inputNames).toEqual(["age", "blood pressure"]);
    expect(network.parameterNames).toEqual(["age", "blood pressure", "(intercept)"]);
    expect(await predicted(content, [3, 4])).toEqual([2.5]);
    expect(await predicted(content, [3, 4], { output: "sigmoid" })).toEqual([logistic(2.5)]);
    expect((await read('{"coefficients": {"__proto__": 1, "toString": 2}}')).inputNames).toEqual([
      "__proto__",
      "toString",
    ]);
  });

  test("scikit-learn: regression, two classes, three classes", async () => {
    expect(await predicted({ coef_: [1, 2], intercept_: 0.5 }, [3, 4])).toEqual([11.5]);
    const two = { coef_: [[1, 2]], intercept_: [0.5], feature_names_in_: ["a", "b"], classes_: [0, 1] };
    expect((await predicted(two, [-3, 1]))[0]).toBeCloseTo(logistic(-0.5), 15);
    const binary = await read(two);
    expect([binary.labels, binary.output, binary.inputNames]).toEqual([["0", "1"], "sigmoid", ["a", "b"]]);
    expect(binary.notes.join(" ")).toContain('The classes are "0", "1"; the score is that of the second.');
    const three = {
      coef_: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      intercept_: [1, 2, 3],
      classes_: ["r", "g", "b"],
    };
    (await predicted(three, [0.1, -0.2])).forEach((p, k) => expect(p).toBeCloseTo(softmax([0.7, 1.5, 2.3])[k], 14));
    expect((await read(three)).parameterNames).toEqual([
      "r:x1",
      "r:x2",
      "g:x1",
      "g:x2",
      "b:x1",
      "b:x2",
      "r:(intercept)",
      "g:(intercept)",
      "b:(intercept)",
    ]);
  });

  const own = {
    schema: "aif.coefficients/1",
    model: "logistic",
    loss: "logistic",
    target: "y",
    labels: { negative: "no", positive: "yes" },
    names: ["(intercept)", "a", "b"],
    units: "original",
    scaler: null,
    columns: [
      { norm: null, epsilon: 0, radius: 0, values: [1, 2, 3] },
      { norm: "2", epsilon: 0.1, radius: 0.3, values: [4, 5, 6] },
    ],
  };

  test("our own file, as trained or hardened", async () => {
    expect(await predicted(own, [1, -1])).toEqual([logistic(0)]);
    expect(await predicted(own, [1, -1], { column: { norm: "2", epsilon: 0.1 } })).toEqual([logistic(3)]);
    expect((await read(own)).labels).toEqual(["no", "yes"]);
    expect(await predicted({ ...own, model: "poisson", loss: "poisson", labels: null }, [0, 0])).toEqual([Math.E]);
    const scaler = { features: ["a", "b"], mean: [1, 1], scale: [2, 4] };
    expect(await predicted({ ...own, scaler, loss: "squared", model: "linear", labels: null }, [3, 5])).toEqual([
      1 + 2 + 3,
    ]);
  });

  test.each<[string | object, string]>([
    [
      { a: 1 },
      'coef holds no coefficients; expected {"intercept": …, "coefficients": {name: value}}, scikit-learn\'s "coef_" and "intercept_", or a file of aif (schema aif.coefficients/1).',
    ],
    [{ coefficients: [1] }, 'coef: "coefficients" must be an object of names and numbers.'],
    [
      { coefficients: { a: "1" } },
      'coef: the coefficient "a" is no number; every coefficient must be a finite number.',
    ],
    [
      '{"coefficients": {"a": 1e999}}',
      'coef: the coefficient "a" is Infinity; every coefficient must be a finite number.',
    ],
    [
      '{"coefficients": {"a": 1, "a": 2}}',
      'coef is no JSON that can be read: at character 29 it holds the key "a" twice; write it again.',
    ],
    [{ coefficients: {} }, 'coef: "coefficients" has shape [1, 0]; no side of a weight may be 0.'],
    [{ coef_: [[1, 2], [3]] }, 'coef: row 1 of "coef_" has 1 numbers, expected 2 numbers, as row 0 has.'],
    [
      { coef_: [1, null] },
      'coef: the coefficient "coef_"[0,1] is no number; every coefficient must be a finite number.',
    ],
    [{ coef_: [1, 2], intercept_: [1, 2] }, 'coef: "intercept_" has shape [2], expected [1], one a row of "coef_".'],
    [{ coef_: [1, 2], feature_names_in_: ["a"] }, "coef names 1 features, expected 2, one a column of its weights."],
    [
      { coef_: [1, 2], feature_names_in_: ["a", "a"] },
      'coef names the feature "a" twice; every feature needs a name of its own.',
    ],
    [{ coef_: [[1, 2]], classes_: [0, 1, 2] }, "coef names 3 classes, expected 2, since it gives 1 scores."],
    [{ ...own, schema: "aif.study/1" }, 'coef has the schema "aif.study/1", expected "aif.coefficients/1".'],
    [
      { ...own, model: "quadratic" },
      'coef holds a model "quadratic" with the loss "logistic"; only linear and softmax models and networks can be imported.',
    ],
    [{ ...own, columns: [{ norm: null, epsilon: 0, values: [1] }] }, "coef has 1 values, expected 3, one a name."],
    [
      { ...own, projection: { kind: "pca" } },
      "coef holds a model of components of the features, which cannot be imported; fit it again.",
    ],
    [{ ...own, columns: [] }, "coef holds no column without an attack (norm null); write it again."],
  ])("refusals, case %#", async (content, message) => {
    await expectFailure(() => read(content), "input", exact(message));
  });
});

describe("coefficients from tables", () => {
  test.each([
    ["name,value\nage,2\n(Intercept),0.5\nincome,-1\n"],
    ["term;coef;p\nconst;0.5;0.1\nage;2;0.2\nincome;-1;0.3\n"],
    ["intercept,age,income\n0.5,2,-1\n"],
    ["age,2\nincome,-1\nintercept,0.5\n"],
  ])("case %#", async (content) => {
    const network = await read(content);
    expect(network.inputNames).toEqual(["age", "income"]);
    expect(await predicted(content, [3, 4])).toEqual([2.5]);
  });

  test.each([
    [
      "a,b\n1,2\n3,4\n",
      'coef has 2 rows of the columns "a", "b"; expected rows of a name and a value ("coef"), or a header of names and one row of numbers; several classes as a column "class" before one column a feature, or as one column of values a class.',
    ],
    [
      "class,intercept,age\na,1,2\nb,1,\n",
      'coef: the coefficient of "age" for the class "b" is missing; give a number.',
    ],
    ["class,intercept,age\na,1,2\na,1,3\n", 'coef names the class "a" twice; every class needs a name of its own.'],
    [
      'name,natural\n"layer1.weight[0,0]",1\nlayer1.bias[0],2\n',
      "coef holds a network, whose layers a table does not tell; write it as JSON (--coefficients FILE.json).",
    ],
    ["name,value\na,1\na,2\n", 'coef names the feature "a" twice; every feature needs a name of its own.'],
    ["name,value\na,1\nb,\n", 'coef: the coefficient of "b" is missing; give a number.'],
    ["name,value\na,1\nconst,1\nintercept,2\n", "coef holds two intercepts; leave one."],
  ])("refusals, case %#", async (content, message) => {
    await expectFailure(() => read(content), "input", exact(message));
  });
});

describe("several classes", () => {
  // P(class | x) of scores 0.5 + 2·3 − 4, 1 − 3 + 0.5·4, −2 + 0·3 + 1·4 at x = (3, 4).
  const truth = softmax([2.5, 0, 2]);
  const expectTruth = async (content: string | object): Promise<void> => {
    const network = await read(content);
    expect(network.labels).toEqual(["low", "mid", "top"]);
    expect(network.inputNames).toEqual(["age", "income"]);
    (await predicted(content, [3, 4])).forEach((p, k) => expect(p).toBeCloseTo(truth[k], 14));
  };

  test.each([
    ["a column of classes", "class,intercept,age,income\nlow,0.5,2,-1\nmid,1,-1,0.5\ntop,-2,0,1\n"],
    ["an index without a name", ",intercept,age,income\nlow,0.5,2,-1\nmid,1,-1,0.5\ntop,-2,0,1\n"],
    ["a column a class", "feature,low,mid,top\nage,2,-1,0\nincome,-1,0.5,1\nintercept_,0.5,1,-2\n"],
    [
      "our own table",
      "name,natural,p=2 eps=0.01\nlow: intercept,0.5,0\nmid: intercept,1,0\ntop: intercept,-2,0\nlow: age,2,0\nlow: income,-1,0\nmid: age,-1,0\nmid: income,0.5,0\ntop: age,0,0\ntop: income,1,0\n",
    ],
  ])("as a table with %s", (_, content) => expectTruth(content));

  test("classes that are numbers", async () => {
    expect((await read("class,intercept,age\n0,1,2\n1,1,3\n2,0,1\n")).labels).toEqual(["0", "1", "2"]);
  });

  const own = {
    schema: "aif.coefficients/1",
    model: "softmax",
    loss: "softmax",
    target: "y",
    labels: null,
    names: [
      "low: intercept",
      "mid: intercept",
      "top: intercept",
      "low: age",
      "low: income",
      "mid: age",
      "mid: income",
      "top: age",
      "top: income",
    ],
    units: "original",
    scaler: null,
    columns: [{ norm: null, epsilon: 0, radius: 0, values: [0.5, 1, -2, 2, -1, -1, 0.5, 0, 1] }],
  };

  test("our own file without intercepts, with classes and features that hold colons", async () => {
    const classes = ["a: b", "c", "d: intercept"];
    const features = ["x: intercept", "y"];
    const names = classes.flatMap((name) => features.map((feature) => `${name}: ${feature}`));
    const network = await read({ ...own, names, columns: [{ norm: null, epsilon: 0, values: [1, 2, 3, 4, 5, 6] }] });
    expect([network.labels, network.inputNames]).toEqual([classes, features]);
    expect([...evaluateNetwork({ ...network, output: "identity" }, Matrix.fromRows([[1, 10]])).data]).toEqual([
      21, 43, 65,
    ]);
  });

  test("our own file, behind its scaler", async () => {
    await expectTruth(own);
    const scaler = { features: ["age", "income"], mean: [1, 2], scale: [2, 4] };
    (await predicted({ ...own, scaler }, [7, 18])).forEach((p, k) => expect(p).toBeCloseTo(truth[k], 14));
    const csv = "mean(age),1\nscale(age),2\nmean(income),2\nscale(income),4\n";
    const rows = own.names.map((name, j) => `${name},${own.columns[0].values[j]}\n`).join("");
    (await predicted(`name,natural\n${rows}${csv}`, [7, 18])).forEach((p, k) => expect(p).toBeCloseTo(truth[k], 14));
  });

  test("a network of our own", async () => {
    const network = {
      features: ["age", "income"],
      classes: null,
      layers: [
        { kind: "linear", outputs: 1, inputs: 2, bias: true },
        { kind: "activation", name: "softplus" },
        { kind: "linear", outputs: 1, inputs: 1, bias: true },
      ],
      outputScaler: { mean: 100, scale: 10 },
    };
    const content = {
      ...own,
      model: "mlp",
      loss: "squared",
      names: ["w0", "w1", "b", "v", "a"],
      network,
      columns: [{ norm: null, epsilon: 0, radius: 0, values: [1, -1, 0.25, 2, -3] }],
    };
    const [found] = await predicted(content, [3, 4]);
    expect(found).toBeCloseTo(100 + 10 * (2 * Math.log(1 + Math.exp(-0.75)) - 3), 12);
    expect((await read(content)).parameterNames).toEqual(["w0", "w1", "b", "v", "a"]);
    await expectFailure(
      () => read({ ...content, network: null }),
      "input",
      exact('coef does not say what its parameters are the weights of ("network"); write it again.'),
    );
    await expectFailure(
      () => read({ ...content, network: { ...network, layers: network.layers.slice(0, 1) } }),
      "input",
      exact('coef: the layers of "network" do not take 5 parameters; write it again.'),
    );
  });
});

describe("matching a table", () => {
  const named = read({ coef_: [[1, 2]], feature_names_in_: ["age", "income"], classes_: ["no", "yes"] });
  const nameless = read({ coef_: [1, 2] });

  test("by name, by the user's list, by order", async () => {
    expect(matchColumns(await named, ["income", "other", "age"])).toEqual([2, 0]);
    expect(matchColumns(await named, ["a", "b", "c"], ["c", "a"])).toEqual([2, 0]);
    expect(matchColumns(await nameless, ["u", "v"])).toEqual([0, 1]);
  });

  test("refusals", async () => {
    const [a, b] = [await named, await nameless];
    await expectFailure(
      () => matchColumns(a, ["Age", "income"]),
      "input",
      exact(
        'coef takes the column "age", which the table does not have (it has "Age"); rename the column, or name the model\'s inputs with --columns.',
      ),
    );
    await expectFailure(
      () => matchColumns(b, ["u"]),
      "input",
      exact(
        'coef takes 2 features and does not name them, the table has 1 ("u"); choose them in the model\'s order with --columns.',
      ),
    );
    await expectFailure(
      () => matchColumns(a, ["u"], ["u"]),
      "usage",
      exact("--columns names 1 columns, but coef takes 2; name one an input."),
    );
    await expectFailure(
      () => matchColumns(a, ["u"], ["u", "u"]),
      "usage",
      exact('--columns names "u" twice; name every column once.'),
    );
    await expectFailure(
      () => evaluateNetwork(a, Matrix.zeros(1, 3)),
      "usage",
      exact("coef takes 2 features, the matrix has 3 columns; give the network's own."),
    );
  });
});
