"""The published solvers of influence functions (as in torch-influence), in PyTorch float64 with double backward, for H^-1 Phi of a
logistic regression with a ridge at given parameters: conjugate gradients, and LiSSA with its usual thousand steps and a scale at
which it does not diverge. The residual that each reaches is part of its answer.

    python3 influence_peer.py cg|lissa rows columns X Y
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

method, rows, columns, x_file, y_file = sys.argv[1:6]
torch.set_default_dtype(torch.float64)
n, m = int(rows), int(columns)
x = torch.from_numpy(np.fromfile(x_file).reshape(n, m))
y = torch.from_numpy(np.fromfile(y_file))
l2 = 1e-3
theta = (torch.sin(torch.arange(1, m + 2).double()) / m**0.5).requires_grad_()


def risk(theta, x, y):
    return F.softplus(-y * (theta[0] + x @ theta[1:])).mean() + 0.5 * l2 * (theta[1:] ** 2).sum()


def product(v, rows=slice(None)):
    (g,) = torch.autograd.grad(risk(theta, x[rows], y[rows]), theta, create_graph=True)
    return torch.autograd.grad(g @ v, theta)[0]


def penalty_gradient():
    z = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(F.softplus(-y * (theta[0] + z @ theta[1:])).sum(), z, create_graph=True)
    return torch.autograd.grad(x.norm(dim=1).mean() * g.norm(dim=1).mean(), theta)[0]


def cg(b):
    """To a relative residual of 1e-10, which is what the direct solution is better than."""
    u, r = torch.zeros_like(b), b.clone()
    p, square = r.clone(), r @ r
    target = 1e-20 * square
    while square > target:
        Hp = product(p)
        step = square / (p @ Hp)
        u += step * p
        r -= step * Hp
        before, square = square, r @ r
        p = r + square / before * p
    return u


def lissa(b, depth=1000, scale=60.0):
    """u <- b + u - H_batch u / scale, one row at a time, as published: R = 1, T = 1000."""
    generator = torch.Generator().manual_seed(0)
    u = b.clone()
    for row in torch.randint(n, (depth,), generator=generator).tolist():
        u = b + u - product(u, slice(row, row + 1)) / scale
    return u / scale


print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), flush=True)
for _ in sys.stdin:
    start, cpu = time.perf_counter(), time.process_time()
    b = penalty_gradient()
    u = {"cg": cg, "lissa": lissa}[method](b)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    residual = ((product(u) - b).norm() / b.norm()).item()
    answer = {"influence": (-u).tolist()}
    print(json.dumps({"stages": {"total": seconds}, "answer": answer, "residual": residual, "cpu": cpu}), flush=True)
