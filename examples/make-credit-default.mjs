/**
 * Writes credit-default.csv: 1000 loans of Brookmere's savings bank and whether they defaulted. Income and loans have
 * long right tails; risk rises with the debt's share of income and with late payments. The classes overlap widely.
 *
 *   node examples/make-credit-default.mjs
 */
import { writeFileSync } from "node:fs";
import { random } from "./random.mjs";

const loans = 1000;
const purposes = [
  // name, share of loans, log-odds of default
  ["car", 0.34, -0.2],
  ["home repair", 0.24, -0.45],
  ["education", 0.12, 0.1],
  ["business", 0.14, 0.6],
  ["debt consolidation", 0.16, 0.45],
];
const housing = [
  ["rents", 0.46, 0.25],
  ["owns", 0.18, -0.5],
  ["mortgage", 0.36, -0.15],
];

const { uniform, normal, choose } = random(20_241);
const rows = [
  "age,income_thousands,loan_thousands,months,debt_to_income_percent,late_payments,years_employed,purpose,housing,has_guarantor,defaulted",
];
for (let i = 0; i < loans; i++) {
  const age = Math.round(Math.min(78, 21 + 46 * uniform() ** 1.3 + 3 * Math.abs(normal())));
  const employed = Math.min(age - 18, Math.exp(1.4 + 0.9 * normal()));
  const income = Math.exp(3.35 + 0.012 * Math.min(employed, 25) + 0.42 * normal());
  const [purpose, , purposeRisk] = choose(purposes, ([, share]) => share);
  const [home, , homeRisk] = choose(housing, ([, share]) => share);
  const loan = Math.exp(2.1 + 0.35 * Math.log(income / 30) + 0.55 * normal());
  const months = [12, 24, 36, 48, 60][Math.floor(5 * uniform() ** 0.8)];
  const debt = Math.min(95, (100 * loan * 12) / months / income + 9 * Math.exp(0.6 * normal()));
  const late = Math.floor(-Math.log(uniform()) * 0.9 * (1 + debt / 80));
  const guarantor = uniform() < 0.21;
  const odds =
    -2.5 +
    0.028 * debt +
    0.38 * Math.min(late, 6) -
    0.045 * Math.min(employed, 20) +
    0.011 * months -
    0.012 * (age - 40) +
    purposeRisk +
    homeRisk -
    (guarantor ? 0.6 : 0);
  const defaulted = uniform() < 1 / (1 + Math.exp(-odds));
  rows.push(
    [
      age,
      income.toFixed(1),
      loan.toFixed(1),
      months,
      debt.toFixed(1),
      late,
      employed.toFixed(1),
      purpose,
      home,
      guarantor,
      defaulted ? "yes" : "no",
    ].join(","),
  );
}
writeFileSync(new URL("credit-default.csv", import.meta.url), `${rows.join("\n")}\n`);
