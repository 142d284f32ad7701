"""The fit of fit-job in jobs.ts by scikit-learn. Reads one line per request, answers with one line of JSON."""

import json
import resource
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression


def estimator(model):
    """Without a penalty, to the accuracy that the library fits to."""
    if model == "linear":
        return LinearRegression(copy_X=False)
    return LogisticRegression(penalty=None, solver="newton-cholesky", tol=1e-10)


def main():
    model, rows, columns, x_file, y_file = sys.argv[1:6]
    X = np.fromfile(x_file).reshape(int(rows), int(columns))
    y = np.fromfile(y_file)
    print(json.dumps({"ready": f"scikit-learn {sklearn.__version__}"}), flush=True)
    for _ in sys.stdin:
        # LinearRegression centres X in place where it may not copy it; here every round gets the same numbers.
        given = X.copy() if model == "linear" else X
        start, cpu = time.perf_counter(), time.process_time()
        fitted = estimator(model).fit(given, y)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        parameters = np.concatenate((np.ravel(fitted.intercept_), np.ravel(fitted.coef_))).tolist()
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            json.dumps({"stages": {"fit": seconds}, "answer": {"parameters": parameters}, "peak": peak, "cpu": cpu}),
            flush=True,
        )


main()
