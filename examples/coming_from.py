"""The same numbers as attack libraries, influence libraries and statsmodels would give, written out in NumPy.

Run it in the root of the repository: python3 examples/coming_from.py
"""
import csv, json, subprocess
import numpy as np


def aif(words):
    """The result of `aif analyze` as data."""
    command = ["npx", "aif", "analyze", *words.split(), "--format", "json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def rows_of(path, target, result):
    """The rows as the model of a result sees them (n×m), and the target: indicators for text, everything standardised."""
    with open(path) as file:
        table = list(csv.DictReader(file))
    scaler = result["model"]["scaler"]
    columns = []
    for feature, mean, scale in zip(result["data"]["features"], scaler["mean"], scaler["scale"]):
        name, _, level = feature.partition("=")
        raw = [row[name] for row in table]
        cells = [cell == level for cell in raw] if level else [number(cell) for cell in raw]
        columns.append((np.array(cells, dtype=float) - mean) / scale)
    return np.column_stack(columns), np.array([number(row[target]) for row in table])


def number(cell):
    return float({"yes": 1, "true": 1, "no": 0, "false": 0}.get(cell, cell))


# A logistic regression with C = 1, attacked in the 2-norm with an absolute size of 0.05 standard deviations.
credit = "examples/credit-default.csv --target defaulted --C 1 --norm 2 --radius 0.05 --evaluation training"
result = aif(credit)
X, y = rows_of("examples/credit-default.csv", "defaulted", result)
n, y = len(y), 2 * y - 1  # labels -1 and +1
attack = result["threats"][0]
theta = np.array(result["fit"]["parameters"])  # the intercept first
free = np.isin(result["data"]["features"], attack["threat"]["attacked"])
beta = theta[1:] * free  # the adversary does not touch indicators


def losses(theta, X):
    return np.log1p(np.exp(-y * (theta[0] + X @ theta[1:])))


# 1. Attack libraries (ART, foolbox): projected gradient ascent on each row, eps absolute, in the units that the model sees.
delta = np.zeros_like(X)
for _ in range(10):
    slope = -y / (1 + np.exp(y * (theta[0] + (X + delta) @ theta[1:])))
    gradient = slope[:, None] * beta
    delta += 0.025 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    delta /= np.maximum(1, np.linalg.norm(delta, axis=1, keepdims=True) / 0.05)
searched, exact = losses(theta, X + delta).mean(), attack["curve"][0]["robustLossNatural"]
assert abs(searched - exact) < 1e-9
print(f"log loss under attack: {searched:.6f} by projected gradients, {exact:.6f} in closed form")
share = beta @ beta / (np.abs(beta).sum() * np.abs(beta).max())
print(f"p = 1: a step along the gradient over its 1-norm attains {100 * share:.0f} % of the worst case of this model")

# 2. Influence libraries (pyDVL, torch-influence, captum): H of the MEAN loss with its ridge, and one mixed derivative a row.
V = np.column_stack([np.ones(n), X])
f = V @ theta
first, second = -y / (1 + np.exp(y * f)), 1 / (2 + np.exp(f) + np.exp(-f))
ridge = np.array([0, *np.full(X.shape[1], 1 / (1.0 * n))])  # C = 1: l2 = 1/(C n), none on the intercept
H = V.T @ (V * second[:, None] / n) + np.diag(ridge)
directions = np.sign(first)[:, None] * beta / np.linalg.norm(beta)  # of the worst move of each row
mixed = second[:, None, None] * V[:, None, :] * theta[1:][None, :, None]  # d²l/dx dθ, n×m×d, as pyDVL's mixed gradients
mixed[:, :, 1:] += first[:, None, None] * np.eye(X.shape[1])
c = np.linalg.norm(X * free, axis=1).mean()
pull = np.einsum("nmd,nm->nd", mixed, directions)
influence = -c * np.linalg.solve(H, pull.mean(axis=0))
difference = np.abs(influence - attack["influence"]).max() / np.abs(influence).max()
assert difference < 1e-8
print("influence of the attack, from all rows' mixed derivatives: the same to 1e-8")
i = attack["contributions"]["rows"][0]["row"] - 1
removal = np.linalg.solve(H, first[i] * V[i]) / n  # what leaving the row out would do to θ
share_of_row = -c * np.linalg.solve(H, pull[i]) / n  # its share in the pull, per unit of ε
print(f"the row that pulls hardest: cosine of its removal and its share {removal @ share_of_row / np.linalg.norm(removal) / np.linalg.norm(share_of_row):+.2f}")

# 3. statsmodels: OLS with HC0 standard errors, cov_type="HC0".
houses = "examples/house-prices.csv --target price_thousands --norm 2 --epsilon 0.01 --evaluation training"
result = aif(houses)
X, y = rows_of("examples/house-prices.csv", "price_thousands", result)
n, V = len(y), np.column_stack([np.ones(len(y)), X])
residuals = y - V @ np.linalg.lstsq(V, y, rcond=None)[0]
bread = np.linalg.inv(V.T @ V)
HC0 = bread @ (V * residuals[:, None] ** 2).T @ V @ bread
T = 0.5 * np.trace(2 * V.T @ V / n @ HC0)  # H of the mean squared error is 2X'X/n
assert abs(T / result["fit"]["estimationLoss"] - 1) < 1e-8
print(f"what the fit lost because it saw {n} rows: {T:.4f} from HC0, {result['fit']['estimationLoss']:.4f} by aif")

# 4. Ridges: the same fit in four conventions.
l2 = 0.1
fitted = np.array(aif(f"{houses} --l2 {l2}")["fit"]["parameters"])
penalty = np.diag([0, *np.ones(X.shape[1])])
alpha = l2 * n / 2  # scikit-learn's Ridge: RSS + alpha·‖β‖²
assert np.allclose(np.linalg.solve(V.T @ V + alpha * penalty, V.T @ y), fitted, rtol=1e-9)
alpha = l2 / 2  # statsmodels' OLS.fit_regularized(L1_wt=0): RSS/(2n) + alpha·‖β‖²/2, no alpha on the constant
assert np.allclose(np.linalg.solve(V.T @ V / n + alpha * penalty, V.T @ y / n), fitted, rtol=1e-9)
decay = l2  # PyTorch's weight_decay with nn.MSELoss(): the gradient gets decay·θ; none on the bias
assert np.allclose(2 / n * V.T @ (V @ fitted - y) + decay * penalty @ fitted, 0, atol=1e-9)
print(f"ridges: --l2 {l2} is Ridge(alpha={l2 * n / 2:g}), fit_regularized(alpha={l2 / 2:g}), weight_decay={l2:g}")
