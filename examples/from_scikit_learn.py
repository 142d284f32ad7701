"""From a scikit-learn pipeline to the cost of making it robust, and back.

Run it in the root of the repository: python3 examples/from_scikit_learn.py
"""
import csv, json, os, subprocess, tempfile
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# 1. A pipeline as many people write it: text as indicators, everything standardised, C = 1.
with open("examples/credit-default.csv") as file:
    table = np.array(list(csv.reader(file))[1:], dtype=object)
X, y = table[:, :-1], table[:, -1].astype(str)
encoder = ColumnTransformer([
    ("numbers", "passthrough", slice(0, 7)),
    ("text", OneHotEncoder(drop="first"), slice(7, 10)),  # purpose, housing, has_guarantor
])
model = make_pipeline(encoder, StandardScaler(), LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)).fit(X, y)
_, scaler, logistic = [step for _, step in model.steps]

# 2. The same model in aif, attacked in the 2-norm with ε = 0.005.
command = "npx aif analyze examples/credit-default.csv --target defaulted --C 1.0 --epsilon 0.005 --format json"
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "robust.json")
    run = subprocess.run([*command.split(), "--coefficients", path], check=True, stdout=subprocess.PIPE)
    result = json.loads(run.stdout)
    with open(path) as file:
        robust = json.load(file)

# 3. The coefficients agree: the intercept first, then one for each standardised column.
fitted = np.array(result["fit"]["parameters"])
assert np.allclose(fitted, [*logistic.intercept_, *logistic.coef_[0]], atol=1e-5)
print(f"{len(fitted)} coefficients agree to 1e-5")

# 4. What robustness is predicted to cost at this ε, on rows that the model has not seen.
attack = result["threats"][0]
point = attack["curve"][0]
print(f"held-out log loss: {result['fit']['heldOutLoss']:.4f} now, predicted to change by {point['heldOut']['predicted']:+.1e}")
print(f"under attack: {point['robustLossNatural']:.4f} now, {point['robustLoss']:.4f} after robust training")

# 5. The robust coefficients go back into the pipeline. The file holds them for raw columns, the pipeline wants standardised ones.
before = model.predict_proba(X)[:, 1]
intercept, *slopes = robust["columns"][1]["values"]  # columns[0] holds the model as it is
logistic.coef_[0] = slopes * scaler.scale_
logistic.intercept_[0] = intercept + slopes @ scaler.mean_
assert np.allclose([*logistic.intercept_, *logistic.coef_[0]], fitted + 0.005 * np.array(attack["influence"]))
moves = np.abs(model.predict_proba(X)[:, 1] - before)
print(f"predicted probabilities move by {moves.mean():.4f} on average, {moves.max():.3f} at most")
