"""Compiled kernels that apply an observable to a state: Pauli terms, a dense matrix, or the projector on a vector."""

from __future__ import annotations

import numpy as np

from qntk.sampling.arithmetic.simd import WIDTH, flipped, fma, lane_sum, load, parity, spread, store
from qntk.sampling.compiled import jit, leaf
from qntk.sampling.engine.gates import at


@leaf
def observe(terms, coefficients, matrix, vector, psi, lam, dimension):  # type: ignore[no-untyped-def]
    """λ ← Oψ for eight draws; returns <ψ|O|ψ> of each."""
    total, overlap_r, overlap_m = spread(0.0), spread(0.0), spread(0.0)
    for i in range(len(vector)):
        vr, vi = spread(vector[i].real), spread(vector[i].imag)
        r, m = load(psi, at(i)), load(psi, at(i) + WIDTH)
        overlap_r = fma(vr, r, fma(vi, m, overlap_r))
        overlap_m = fma(vr, m, fma(-vi, r, overlap_m))
    for i in range(dimension):
        a = at(i)
        r, m = spread(0.0), spread(0.0)
        for t in range(len(terms)):
            j = i ^ terms[t, 0]
            b = at(j)
            w = -coefficients[t] if parity(j & terms[t, 1]) else coefficients[t]
            if terms[t, 2] >= 2:
                w = -w
            v = spread(w)
            if terms[t, 2] % 2:
                r = fma(-v, load(psi, b + WIDTH), r)
                m = fma(v, load(psi, b), m)
            else:
                r = fma(v, load(psi, b), r)
                m = fma(v, load(psi, b + WIDTH), m)
        if len(vector):
            vr, vi = spread(vector[i].real), spread(vector[i].imag)
            r = fma(vr, overlap_r, -(vi * overlap_m))
            m = fma(vr, overlap_m, vi * overlap_r)
        for j in range(len(matrix)):
            w = matrix[i, j]
            if w != 0.0:
                b = at(j)
                wr, wi = spread(w.real), spread(w.imag)
                br, bm = load(psi, b), load(psi, b + WIDTH)
                r = fma(wr, br, fma(-wi, bm, r))
                m = fma(wr, bm, fma(wi, br, m))
        store(lam, a, r)
        store(lam, a + WIDTH, m)
        total = fma(load(psi, a), r, fma(load(psi, a + WIDTH), m, total))
    return total


@leaf
def lane(i):  # type: ignore[no-untyped-def]
    """Where the real part of amplitude i stands in a state of one draw, whose lowest three qubits are the lanes."""
    return at(i // WIDTH) + i % WIDTH


@jit
def observe_one(terms, coefficients, matrix, vector, psi, lam, dimension):  # type: ignore[no-untyped-def]
    """λ ← Oψ for one draw; returns <ψ|O|ψ>, summed lane by lane."""
    weights = np.empty(len(terms) * WIDTH)
    for t in range(len(terms)):
        for k in range(WIDTH):
            odd = parity((k ^ terms[t, 0]) & terms[t, 1] & (WIDTH - 1)) + terms[t, 2] // 2
            weights[t * WIDTH + k] = -coefficients[t] if odd % 2 else coefficients[t]
    overlap = 0.0j
    for i in range(len(vector)):
        overlap += np.conj(vector[i]) * complex(psi[lane(i)], psi[lane(i) + WIDTH])
    total = spread(0.0)
    for i in range(dimension // WIDTH):
        a = at(i)
        r, m = spread(0.0), spread(0.0)
        for t in range(len(terms)):
            j = i ^ (terms[t, 0] // WIDTH)
            b = at(j)
            v = load(weights, t * WIDTH)
            if parity(j & (terms[t, 1] // WIDTH)):
                v = -v
            br, bm = load(psi, b), load(psi, b + WIDTH)
            if terms[t, 0] % WIDTH:
                br, bm = flipped(br, terms[t, 0]), flipped(bm, terms[t, 0])
            if terms[t, 2] % 2:
                r, m = fma(-v, bm, r), fma(v, br, m)
            else:
                r, m = fma(v, br, r), fma(v, bm, m)
        store(lam, a, r)
        store(lam, a + WIDTH, m)
        for k in range(WIDTH if len(vector) + len(matrix) else 0):
            w = complex(lam[a + k], lam[a + WIDTH + k])
            if len(vector):
                w += vector[i * WIDTH + k] * overlap
            for j in range(len(matrix)):
                w += matrix[i * WIDTH + k, j] * complex(psi[lane(j)], psi[lane(j) + WIDTH])
            lam[a + k], lam[a + WIDTH + k] = w.real, w.imag
        total = fma(load(psi, a), load(lam, a), fma(load(psi, a + WIDTH), load(lam, a + WIDTH), total))
    return lane_sum(total)
