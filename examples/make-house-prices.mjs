/**
 * Writes house-prices.csv: 800 sales in Brookmere, a made-up town on a river. Prices (in thousands) follow size, age,
 * distance and district, and spread more for expensive houses. Seeded: the file is the same wherever it is made.
 *
 *   node examples/make-house-prices.mjs
 */
import { writeFileSync } from "node:fs";
import { random } from "./random.mjs";

const sales = 800;
const districts = [
  // name, share of sales, distance to the centre in km, premium on the price, share of houses with a garden
  ["Old Town", 0.17, 0.8, 1.22, 0.18],
  ["Harbour", 0.12, 1.6, 1.31, 0.12],
  ["Millfield", 0.26, 3.4, 1.0, 0.55],
  ["Northgate", 0.25, 4.6, 0.87, 0.61],
  ["Riverside", 0.2, 6.8, 1.06, 0.88],
];

const { uniform, normal, choose } = random(20_240);
const rows = [
  "living_area_m2,rooms,age_years,distance_to_centre_km,plot_m2,energy_kwh_per_m2,district,has_garden,price_thousands",
];
for (let i = 0; i < sales; i++) {
  const [district, , centre, premium, gardens] = choose(districts, ([, share]) => share);
  const area = Math.min(320, Math.max(28, Math.exp(4.55 + 0.38 * normal() + (district === "Riverside" ? 0.18 : 0))));
  const rooms = Math.max(1, Math.round(area / 27 + 0.7 * normal()));
  const age = Math.floor(district === "Old Town" ? 40 + 90 * uniform() : 75 * uniform() ** 1.4);
  const distance = Math.max(0.2, centre * (1 + 0.25 * normal()));
  const garden = uniform() < gardens;
  const plot = garden ? area + Math.exp(5.3 + 0.8 * normal()) : area * (0.4 + 0.3 * uniform()); // a long right tail
  const energy = Math.max(25, 60 + 1.5 * Math.min(age, 90) + 28 * normal());
  const value =
    (38 + 2.15 * area + 6 * rooms - 0.62 * age - 7.5 * distance + 0.035 * Math.min(plot, 1500) - 0.14 * energy) *
    premium *
    (garden ? 1.04 : 1);
  const price = Math.max(35, value * Math.exp(0.11 * normal()));
  rows.push(
    [
      area.toFixed(1),
      rooms,
      age,
      distance.toFixed(2),
      plot.toFixed(0),
      energy.toFixed(0),
      district,
      garden,
      price.toFixed(1),
    ].join(","),
  );
}
writeFileSync(new URL("house-prices.csv", import.meta.url), `${rows.join("\n")}\n`);
