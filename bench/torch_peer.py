"""The same derivatives as network-time.ts, as PyTorch takes them: float64, double backward. Prints one line of JSON.

    python3 torch_peer.py X Y THETA V widths(784,64,10) loss(softmax|squared) rounds threads
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

x_file, y_file, theta_file, v_file, widths, loss, rounds, threads = sys.argv[1:]
torch.set_default_dtype(torch.float64)
torch.set_num_threads(int(threads))
widths = [int(width) for width in widths.split(",")]
x = torch.from_numpy(np.fromfile(x_file).reshape(-1, widths[0]))
y = torch.from_numpy(np.fromfile(y_file))
y = y.long() if loss == "softmax" else y
scale = x.norm(dim=1).mean()


def blocks(vector):
    at = 0
    for i, o in zip(widths, widths[1:]):
        yield vector[at : at + o * i].reshape(o, i).clone()
        yield vector[at + o * i : at + o * i + o].clone()
        at += o * i + o


theta = [t.requires_grad_() for t in blocks(torch.from_numpy(np.fromfile(theta_file)))]
v = list(blocks(torch.from_numpy(np.fromfile(v_file))))


def losses(x):
    h = x
    for k in range(0, len(theta), 2):
        h = F.linear(h, theta[k], theta[k + 1])
        h = torch.tanh(h) if k < len(theta) - 2 else h
    return F.cross_entropy(h, y, reduction="none") if loss == "softmax" else (h[:, 0] - y) ** 2


def gradient():
    return torch.autograd.grad(losses(x).mean(), theta)


def influence_gradient():
    z = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(losses(z).sum(), z, create_graph=True)
    return torch.autograd.grad(scale * g.norm(dim=1).mean(), theta)


def hessian_product():
    g = torch.autograd.grad(losses(x).mean(), theta, create_graph=True)
    return torch.autograd.grad(sum((a * b).sum() for a, b in zip(g, v)), theta)


seconds, answers = {}, {}
for name, work in {"gradient": gradient, "Φ": influence_gradient, "Hessian product": hessian_product}.items():
    seconds[name] = []
    for round in range(2 + int(rounds)):
        start = time.perf_counter()
        parts = work()
        if round >= 2:
            seconds[name].append(time.perf_counter() - start)
    answers[name] = [sum((a * b).sum() for a, b in zip(parts, v)).item(), sum((a * a).sum() for a in parts).item() ** 0.5]
print(json.dumps({"library": f"PyTorch {torch.__version__}", "seconds": seconds, "answers": answers}))
