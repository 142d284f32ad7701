"""Trains the network of examples/credit-network.onnx as many people would, and writes it with its scaler.

Needs PyTorch (on Debian: apt-get install python3-torch). Run it in the root of the repository:
python3 examples/make_credit_network.py
"""
import csv, json
import numpy as np
import torch

torch.manual_seed(0)
with open("examples/credit-default.csv") as file:
    rows = list(csv.DictReader(file))
numbers = ["age", "income_thousands", "loan_thousands", "months", "debt_to_income_percent", "late_payments", "years_employed"]
levels = [("purpose", level) for level in sorted({row["purpose"] for row in rows})]
levels += [("housing", level) for level in sorted({row["housing"] for row in rows})]
columns = [[float(row[name]) for row in rows] for name in numbers]
columns += [[float(row[name] == level) for row in rows] for name, level in levels]
columns += [[float(row["has_guarantor"] == "true") for row in rows]]
raw = np.array(columns).T
mean, scale = raw.mean(axis=0), raw.std(axis=0)
X = torch.tensor((raw - mean) / scale, dtype=torch.float32)
y = torch.tensor([[float(row["defaulted"] == "yes")] for row in rows])

network = torch.nn.Sequential(torch.nn.Linear(X.shape[1], 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
weights = [value for name, value in network.named_parameters() if name.endswith("weight")]
optimizer = torch.optim.LBFGS(network.parameters(), max_iter=2000, tolerance_grad=1e-9, tolerance_change=0, line_search_fn="strong_wolfe")


def loss():
    """Mean log loss and a ridge of 0.01 on the weights, as `--l2 0.01` has it."""
    optimizer.zero_grad()
    value = torch.nn.functional.binary_cross_entropy_with_logits(network(X), y)
    value = value + 0.5 * 0.01 * sum((weight**2).sum() for weight in weights)
    value.backward()
    return value


optimizer.step(loss)
print(f"objective {loss().item():.6f}")
torch.onnx.export(torch.nn.Sequential(network, torch.nn.Sigmoid()), X[:1], "examples/credit-network.onnx",
                  input_names=["x"], output_names=["defaulted"], dynamic_axes={"x": {0: "rows"}, "defaulted": {0: "rows"}})
with open("examples/credit-network-scaler.json", "w") as file:
    json.dump({"mean": mean.tolist(), "scale": scale.tolist()}, file)
    file.write("\n")
