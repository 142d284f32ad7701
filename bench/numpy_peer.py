"""The same work as library.ts, as an expert would write it in NumPy: no pass over the data that is not needed, products
left to BLAS, the intercept handled without a copy of X. Reads one line of JSON per request, answers with one line."""

import json
import resource
import sys
import time

import numpy as np

try:
    from scipy.linalg import cho_factor, cho_solve
    from scipy.linalg.blas import dsyrk
except ImportError:  # needed for quadratic models only
    pass

EPSILON = 0.01


def bordered(corner, side, inner):
    """The Hessian of (intercept, coefficients) from its parts."""
    d = len(side) + 1
    H = np.empty((d, d))
    H[0, 0] = corner
    H[0, 1:] = H[1:, 0] = side
    H[1:, 1:] = inner
    return H


def row_norms(X):
    return np.sqrt(np.einsum("ij,ij->i", X, X))


def linear(X, y):
    """Mean squared error: normal equations, refined with residuals from the data until the relative gradient is 1e-12."""
    n, m = X.shape
    both = X.T @ np.column_stack((np.ones(n), y))
    H = 2 / n * bordered(n, both[:, 0], X.T @ X)
    theta = np.linalg.solve(H, 2 / n * np.concatenate(([y.sum()], both[:, 1])))
    while True:
        r = X @ theta[1:] + (theta[0] - y)
        gradient = 2 / n * np.concatenate(([r.sum()], X.T @ r))
        possible = np.sqrt(2 / n * (r @ r) * np.diag(H))
        if np.max(np.abs(gradient) / possible) <= 1e-12:
            break
        theta -= np.linalg.solve(H, gradient)
    beta = theta[1:]
    size = np.linalg.norm(beta)
    c = row_norms(X).mean()
    sign = np.sign(r)
    Phi = 2 * c / n * size * np.concatenate(([sign.sum()], X.T @ sign))
    Phi[1:] += 2 * c / n * np.abs(r).sum() * beta / size
    influence = -np.linalg.solve(H, Phi)
    s = X @ influence[1:] + influence[0]
    slope = 2 / n * (r @ s)
    curvature = s @ s / n
    return {
        "parameters": theta,
        "influence": influence,
        "scale": c,
        "penalty": 2 * c * size * np.abs(r).mean(),
        "slope": slope,
        "curvature": curvature,
        "change": slope * EPSILON + curvature * EPSILON**2,
    }


def logistic(X, y):
    """Log loss by Newton's method to a relative gradient of 1e-12."""
    n, m = X.shape
    theta = np.zeros(m + 1)
    mean = y.mean()
    theta[0] = np.log((1 + mean) / (1 - mean))
    while True:
        f = X @ theta[1:] + theta[0]
        p = 1 / (1 + np.exp(y * f))  # probability of the other class
        slope = -y * p / n
        weight = p * (1 - p) / n
        gradient = np.concatenate(([slope.sum()], X.T @ slope))
        root = np.sqrt(weight)[:, None] * X
        H = bordered(weight.sum(), weight @ X, root.T @ root)
        possible = np.sqrt((slope**2 / weight).sum() * np.diag(H))
        if np.max(np.abs(gradient) / possible) <= 1e-12:
            break
        theta -= np.linalg.solve(H, gradient)
    beta = theta[1:]
    size = np.linalg.norm(beta)
    c = row_norms(X).mean()
    pulled = -weight * y
    Phi = c * size * np.concatenate(([pulled.sum()], X.T @ pulled))
    Phi[1:] += c * p.mean() * beta / size
    influence = -np.linalg.solve(H, Phi)
    s = X @ influence[1:] + influence[0]
    moved = np.logaddexp(0, -y * (f + EPSILON * s)) - np.logaddexp(0, -y * f)
    return {
        "parameters": theta,
        "influence": influence,
        "scale": c,
        "penalty": c * size * p.mean(),
        "slope": slope @ s,
        "curvature": weight @ (s * s) / 2,
        "change": moved.mean(),
    }


def quadratic(X, y):
    """Mean squared error in 1, x and all products x_j x_k: V is formed a few thousand rows at a time for the symmetric product,
    everything else is products with X."""
    n, m = X.shape
    j, k = np.triu_indices(m)
    d = 1 + m + len(j)
    H = np.zeros((d, d), order="F")
    for at in range(0, n, 2048):
        x = X[at : at + 2048]
        V = np.empty((len(x), d))
        V[:, 0] = 1
        V[:, 1 : m + 1] = x
        np.multiply(x[:, j], x[:, k], out=V[:, m + 1 :])
        H = dsyrk(2 / n, V.T, beta=1, c=H, overwrite_c=1)
    diagonal = np.diag(H).copy()
    factor = cho_factor(H, overwrite_a=True, check_finite=False)

    def pull(weights):
        return np.concatenate(([weights.sum()], X.T @ weights, (X.T @ (weights[:, None] * X))[j, k]))

    def upper(theta):
        U = np.zeros((m, m))
        U[j, k] = theta[m + 1 :]
        return U

    def scores(theta):
        return theta[0] + X @ theta[1 : m + 1] + np.einsum("ij,ij->i", X @ upper(theta), X)

    theta = cho_solve(factor, 2 / n * pull(y), check_finite=False)
    while True:
        r = scores(theta) - y
        gradient = 2 / n * pull(r)
        if np.max(np.abs(gradient) / np.sqrt(2 / n * (r @ r) * diagonal)) <= 1e-12:
            break
        theta -= cho_solve(factor, gradient, check_finite=False)
    U = upper(theta)
    G = theta[1 : m + 1] + X @ (U + U.T)
    g = row_norms(G)
    c = row_norms(X).mean()
    along = (np.abs(r) / g)[:, None] * G
    A = along.T @ X
    Phi = pull(np.sign(r) * g) + np.concatenate(([0], along.sum(axis=0), (A + A.T)[j, k]))
    Phi *= 2 * c / n
    influence = -cho_solve(factor, Phi, check_finite=False)
    s = scores(influence)
    slope = 2 / n * (r @ s)
    curvature = s @ s / n
    return {
        "parameters": theta,
        "influence": influence,
        "scale": c,
        "penalty": 2 * c * np.mean(np.abs(r) * g),
        "slope": slope,
        "curvature": curvature,
        "change": slope * EPSILON + curvature * EPSILON**2,
    }


def softmax(X, y):
    """Gradient and H^-1 Phi of softmax regression at the theta of jobs.ts, by conjugate gradients to 1e-10."""
    n, m = X.shape
    K, l2 = 10, 0.01
    theta = 0.05 * np.sin(np.arange(K + K * m))
    b, W = theta[:K], theta[K:].reshape(K, m)
    F = X @ W.T + b
    F -= F.max(axis=1, keepdims=True)
    P = np.exp(F)
    P /= P.sum(axis=1, keepdims=True)
    D = P.copy()
    D[np.arange(n), y.astype(int)] -= 1
    gradient = np.concatenate((D.mean(axis=0), (D.T @ X / n + l2 * W).ravel()))

    def product(v):
        Z = X @ v[K:].reshape(K, m).T + v[:K]
        Q = P * (Z - np.einsum("ij,ij->i", P, Z)[:, None])
        return np.concatenate((Q.mean(axis=0), (Q.T @ X / n).ravel() + l2 * v[K:]))

    G = D @ W
    g = row_norms(G)
    c = row_norms(X).mean()
    G /= g[:, None]
    A = G @ W.T
    Q = P * (A - np.einsum("ij,ij->i", P, A)[:, None])
    Phi = c / n * np.concatenate((Q.sum(axis=0), (D.T @ G + Q.T @ X).ravel()))
    x, r = np.zeros_like(Phi), -Phi
    p, square = r.copy(), r @ r
    target = 1e-10 * np.sqrt(square)
    while np.sqrt(square) > target:
        Hp = product(p)
        step = square / (p @ Hp)
        x += step * p
        r -= step * Hp
        before, square = square, r @ r
        p = r + square / before * p
    return {"parameters": gradient[::97], "influence": x[::97], "scale": c, "penalty": c * g.mean()}


def gram(X, y):
    """One pass: loss, gradient and Hessian of the mean squared error at theta = 0."""
    n, m = X.shape
    both = X.T @ np.column_stack((np.ones(n), y))
    H = 2 / n * bordered(n, both[:, 0], X.T @ X)
    return {"curvature": H[-1, -1], "parameters": [], "influence": [], "change": y @ y / n}


def features(X, y):
    """Figure 2(a): half the squared error on (x, x^2/4) of the first k features, without an intercept, for every k; S at p = 2."""
    n, m = X.shape
    sensitivities, scales = [], []
    for k in range(1, m + 1):
        x = X[:, :k]
        V = np.concatenate((x, x * x / 4), axis=1)
        H = V.T @ V / n
        theta = np.linalg.solve(H, V.T @ y / n)
        r = V @ theta - y
        theta -= np.linalg.solve(H, V.T @ r / n)
        r = V @ theta - y
        G = theta[:k] + x * (theta[k:] / 2)
        g = row_norms(G)
        c = row_norms(x).mean()
        along = np.abs(r)[:, None] * G / g[:, None]
        Phi = V.T @ (np.sign(r) * g) + np.concatenate((along.sum(axis=0), np.einsum("ij,ij->j", along, x) / 2))
        Phi *= c / n
        sensitivities.append(Phi @ np.linalg.solve(H, Phi) / 2)
        scales.append(c)
    return {"influence": np.array(sensitivities), "parameters": np.array(scales)}


def peak():
    """The most memory that this process has had, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    model, rows, columns, x_file, y_file = sys.argv[1:6]
    X = np.fromfile(x_file).reshape(int(rows), int(columns))
    y = np.fromfile(y_file)
    work = {"linear": linear, "logistic": logistic, "quadratic": quadratic, "softmax": softmax, "gram": gram, "features": features}[model]
    print(json.dumps({"ready": f"NumPy {np.__version__}"}), flush=True)
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        answer = work(X, y)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        plain = {k: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in answer.items()}
        print(json.dumps({"stages": {"total": seconds}, "answer": plain, "peak": peak(), "cpu": cpu}), flush=True)


main()
