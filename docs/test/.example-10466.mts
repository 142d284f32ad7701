import { encode, fit, influence, linear, lp, readTable, sensitivity } from "@aif/core";

const table = await readTable("examples/house-prices.csv");
const data = encode(table, { target: "price_thousands" });
const fitted = await fit(linear(), data);

// The adversary moves numbers, not districts: indicators get a budget of 0.
const budgets = data.featureInfo.map(({ kind }) => (kind === "indicator" ? 0 : 1));
const attack = await influence(fitted, lp(2, { budgets }));
console.log("parameter shift per unit of ε:", attack.influence);

const cost = await sensitivity(attack, { epsilons: [0.005, 0.01] });
for (const { epsilon, predicted } of cost.curve) console.log(`ε = ${epsilon}: loss changes by ${predicted}`);
