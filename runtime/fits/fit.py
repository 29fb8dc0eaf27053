"""Makes the coefficients of the runtime's elementary functions.

    pip install numpy mpmath
    python runtime/fits/fit.py

prints each polynomial as Rust constants, lowest power first, with the error of the fit before
rounding (the errors of the rounded evaluation are measured by the runtime's own tests).
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def chebyshev_nodes(low, high, n):
    k = np.arange(n)
    return (low + high) / 2 + (high - low) / 2 * np.cos((2 * k + 1) * np.pi / (2 * n))


def polynomial(f, low, high, degree, weight=lambda x: 1.0, rounds=40):
    """Least squares on Chebyshev nodes, reweighted towards the minimax solution (Lawson)."""
    xs = chebyshev_nodes(low, high, 40 * (degree + 1))
    a = np.vander(xs, degree + 1, increasing=True).astype(np.longdouble)
    y = np.array([float(f(mp.mpf(x))) for x in xs])
    w = np.array([float(weight(x)) for x in xs])
    lawson = np.ones_like(xs)
    for _ in range(rounds):
        s = w * np.sqrt(lawson)
        coefficients = np.linalg.lstsq((a * s[:, None]).astype(float), y * s, rcond=None)[0]
        error = np.abs((a @ coefficients - y) * w).astype(float)
        lawson = lawson * error
        lawson = lawson / lawson.mean() + 1e-12
    return coefficients, error.max()


def about(f, half, degree, weight, rounds=40):
    """A polynomial on [-half, half], made on [-1, 1], where its powers are of one size."""
    coefficients, error = polynomial(lambda u: f(u * half), -1, 1, degree, lambda u: weight(u * half), rounds)
    return coefficients / float(half) ** np.arange(degree + 1), error


def rational(f, low, high, degrees, weight):
    """Linearised least squares for p/q with q(0) = 1, reweighted by the last q and by Lawson."""
    n, m = degrees
    xs = chebyshev_nodes(low, high, 600)
    y = np.array([float(f(mp.mpf(x))) for x in xs])
    w = np.array([float(weight(x)) for x in xs])
    p = np.vander(xs, n + 1, increasing=True)
    q = np.vander(xs, m + 1, increasing=True)[:, 1:]
    last, lawson = np.ones_like(xs), np.ones_like(xs)
    for _ in range(60):
        s = w * np.sqrt(lawson) / last
        a = np.hstack([p, -y[:, None] * q]) * s[:, None]
        scale = np.abs(a).max(axis=0)
        solution = np.linalg.lstsq(a / scale, y * s, rcond=None)[0] / scale
        last = 1 + q @ solution[n + 1:]
        error = np.abs((p @ solution[: n + 1] / last - y) * w)
        lawson = lawson * (error / error.max() + 1e-3)
        lawson = lawson / lawson.mean()
    return solution[: n + 1], np.concatenate([[1.0], solution[n + 1:]]), error.max()


def show(name, coefficients, error):
    print(f"// {name}: {error:.2e}")
    print("[" + ", ".join(np.format_float_scientific(np.float32(c), unique=True) for c in coefficients) + "]")


def main():
    half_ln2 = float(mp.log(2) / 2)
    # (e^r - 1 - r) / r^2
    f = lambda r: (mp.expm1(r) - r) / r**2 if abs(r) > 1e-9 else mp.mpf(1) / 2 + r / 6
    show("exp: (e^r - 1 - r) / r^2 on [-ln2/2, ln2/2], absolute",
         *polynomial(f, -half_ln2 * 1.001, half_ln2 * 1.001, 4))

    # ln(1 + f) / f on [sqrt(1/2) - 1, sqrt(2) - 1]
    f = lambda z: mp.log1p(z) / z if abs(z) > 1e-12 else 1 - z / 2
    show("ln: ln(1 + z) / z, relative",
         *polynomial(f, 2**-0.5 - 1, 2**0.5 - 1, 8, weight=lambda z: 1 / (np.log1p(z) / z if abs(z) > 1e-9 else 1)))

    # The normal quantile: y A(r)/B(r), y = 1/2 - q, r = 0.425^2 - y^2 (so that the terms of A and
    # of B have one sign: Wichura 1988), for y <= 0.425
    quantile = lambda q: mp.sqrt(2) * mp.erfinv(1 - 2 * q)
    f = lambda r: quantile(mp.mpf(1) / 2 - (y := mp.sqrt(mp.mpf("0.180625") - r))) / y
    a, b, error = rational(f, 0.0, 0.180625, (3, 3), lambda r: 1 / float(f(mp.mpf(r))))
    show("normal_quantile, centre: numerator, relative", a, error)
    show("normal_quantile, centre: denominator", b, error)

    # and in L = -ln q for q <= 0.075
    def upper(l):
        q = mp.exp(-l)
        guess = mp.sqrt(2 * l - mp.log(4 * mp.pi * l))
        return mp.findroot(lambda x: mp.log(mp.erfc(x / mp.sqrt(2)) / 2) + l, guess)

    low, high = float(-mp.log(0.0751)), float(33 * mp.log(2)) * 1.0001
    a, b, error = rational(upper, low, high, (5, 4), lambda l: 1 / float(upper(mp.mpf(l))))
    show("normal_quantile, tail in -ln q: numerator, relative", a, error)
    show("normal_quantile, tail: denominator", b, error)

    # The activations. Phi(x) - 1/2 = x P(v), v = x^2 - 13, so that Gelu is x/2 + x^2 P(v) where
    # x^2 < 26; relative to |x|, the fit's error counts times |x|. Five of the runtime's coefficients
    # are up to four units in the last place from these.
    half = lambda x: mp.erf(x / mp.sqrt(2)) / (2 * x) if x > 1e-12 else 1 / mp.sqrt(2 * mp.pi)
    f = lambda v: half(mp.sqrt(v + 13))
    show("gelu: (Phi(x) - 1/2) / x in x^2 - 13 on [0, 26], error times x",
         *about(f, 13, 13, weight=lambda v: np.sqrt(v + 13), rounds=101))

    # The forms that benches/forms compares with the runtime's own.
    limit = 5.2
    f = lambda w: half(mp.sqrt((w + 1) / 2) * limit)
    show("forms, gelu, clamped: (Phi(x) - 1/2) / x in 2 x^2 / 5.2^2 - 1, error times x",
         *polynomial(f, -1, 1, 14, weight=lambda w: np.sqrt((w + 1) / 2) * limit))

    # Phi(-t) = 1/2 / p(t)^4: an error of p counts 2 / p^5 times.
    f = lambda t: mp.erfc(mp.mpf(t) / mp.sqrt(2)) ** (mp.mpf(-1) / 4)
    show("forms, gelu, fourth power: (2 Phi(-t))^(-1/4) in t on [0, 5.5], error times 2 / p^5",
         *polynomial(f, 0, 5.5, 10, weight=lambda t: 2 / float(f(t)) ** 5))

    # GeluTanh's factor less a half, as Gelu's.
    def f(v):
        x = mp.sqrt(v + 12.5)
        u = mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)
        return mp.tanh(u) / (2 * x) if x > 1e-12 else 1 / mp.sqrt(2 * mp.pi)

    show("forms, gelu_tanh: tanh(u) / (2 x) in x^2 - 12.5 on [0, 25], error times x",
         *about(f, 12.5, 15, weight=lambda v: np.sqrt(v + 12.5)))

    # tanh(x) / x in x^2: from 9 on tanh is 1 to within 3e-8.
    f = lambda s: mp.tanh(x := mp.sqrt(s)) / x if s > 1e-12 else 1 - mp.mpf(s) / 3
    a, b, error = rational(f, 0.0, 81.0, (4, 4), lambda s: 1 / float(f(mp.mpf(s))))
    show("forms, tanh: tanh(x) / x in x^2 on [0, 81], numerator, relative", a, error)
    show("forms, tanh: denominator", b, error)


if __name__ == "__main__":
    main()
