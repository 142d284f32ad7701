"""Fit, adversarial influence function and in-sample sensitivity at p = 2 of a table that is read from its .npy file a block at a
time, on standardised features, as an expert would write it in NumPy: as few passes over the rows as the mathematics allows.
Prints one line of JSON: numbers, seconds, passes, the most memory held."""

import json
import resource
import sys
import time

import numpy as np

ROWS = 16384


class Rows:
    """Standardised features and targets of a file, block by block."""

    def __init__(self, file):
        self.table = np.load(file, mmap_mode="r")
        self.n, self.m = self.table.shape[0], self.table.shape[1] - 1
        self.passes = 0
        self.mean, self.sd = np.zeros(self.m), np.ones(self.m)
        total = np.zeros(self.m)
        for X, _ in self.blocks():
            total += X.sum(axis=0)
        mean = total / self.n
        squares = np.zeros(self.m)
        for X, _ in self.blocks():
            X -= mean
            squares += np.einsum("ij,ij->j", X, X)
        self.mean, self.sd = mean, np.sqrt(squares / self.n)

    def blocks(self):
        self.passes += 1
        for at in range(0, self.n, ROWS):
            block = np.array(self.table[at : at + ROWS])
            X = block[:, :-1] - self.mean
            X /= self.sd
            yield X, block[:, -1]


def bordered(corner, side, inner):
    H = np.empty((len(side) + 1, len(side) + 1))
    H[0, 0], H[0, 1:], H[1:, 0], H[1:, 1:] = corner, side, side, inner
    return H


def linear(rows):
    n, m = rows.n, rows.m
    G, side, right, size = np.zeros((m, m)), np.zeros(m), np.zeros(m + 1), 0.0
    for X, y in rows.blocks():
        G += X.T @ X
        side += X.sum(axis=0)
        right += np.concatenate(([y.sum()], X.T @ y))
    H = 2 / n * bordered(n, side, G)
    theta = np.linalg.solve(H, 2 / n * right)
    gradient = np.zeros(m + 1)
    for X, y in rows.blocks():
        r = X @ theta[1:] + (theta[0] - y)
        gradient += np.concatenate(([r.sum()], X.T @ r))
    theta -= np.linalg.solve(H, 2 / n * gradient)
    beta = theta[1:]
    length = np.linalg.norm(beta)
    c, absolute, signed = 0.0, 0.0, np.zeros(m + 1)
    for X, y in rows.blocks():
        r = X @ beta + (theta[0] - y)
        sign = np.sign(r)
        c += np.sqrt(np.einsum("ij,ij->i", X, X)).sum()
        absolute += np.abs(r).sum()
        signed += np.concatenate(([sign.sum()], X.T @ sign))
    c /= n
    Phi = 2 * c / n * length * signed
    Phi[1:] += 2 * c / n * absolute * beta / length
    influence = -np.linalg.solve(H, Phi)
    for X, _ in rows.blocks():
        s = X @ influence[1:] + influence[0]
        size += s @ s
    return theta, c, influence, size / n


def logistic(rows):
    n, m = rows.n, rows.m
    theta = np.zeros(m + 1)
    while True:
        gradient, G, side, corner, squares = np.zeros(m + 1), np.zeros((m, m)), np.zeros(m), 0.0, 0.0
        for X, y in rows.blocks():
            p = 1 / (1 + np.exp(y * (X @ theta[1:] + theta[0])))
            slope, weight = -y * p / n, p * (1 - p) / n
            gradient += np.concatenate(([slope.sum()], X.T @ slope))
            root = np.sqrt(weight)[:, None] * X
            G += root.T @ root
            side += weight @ X
            corner += weight.sum()
            squares += (slope**2 / weight).sum()
        H = bordered(corner, side, G)
        if np.max(np.abs(gradient) / np.sqrt(squares * np.diag(H))) <= 1e-12:
            break
        theta -= np.linalg.solve(H, gradient)
    beta = theta[1:]
    length = np.linalg.norm(beta)
    c, total, pulled, curvature = 0.0, 0.0, np.zeros(m + 1), 0.0
    for X, y in rows.blocks():
        p = 1 / (1 + np.exp(y * (X @ beta + theta[0])))
        v = -p * (1 - p) * y
        c += np.sqrt(np.einsum("ij,ij->i", X, X)).sum()
        total += p.sum()
        pulled += np.concatenate(([v.sum()], X.T @ v))
    c /= n
    Phi = c / n * length * pulled
    Phi[1:] += c / n * total * beta / length
    influence = -np.linalg.solve(H, Phi)
    for X, y in rows.blocks():
        p = 1 / (1 + np.exp(y * (X @ beta + theta[0])))
        s = X @ influence[1:] + influence[0]
        curvature += (p * (1 - p)) @ (s * s) / 2
    return theta, c, influence, curvature / n


def main():
    model, file = sys.argv[1:3]
    start, cpu = time.perf_counter(), time.process_time()
    rows = Rows(file)
    theta, c, influence, curvature = {"linear": linear, "logistic": logistic}[model](rows)
    print(
        json.dumps(
            {
                "library": f"NumPy {np.__version__}",
                "parameters": theta.tolist(),
                "scale": c,
                "influence": influence.tolist(),
                "curvature": curvature,
                "passes": rows.passes,
                "seconds": time.perf_counter() - start,
                "cpu": time.process_time() - cpu,
                "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )


main()
