"""From parameters to the cosines and sines of a program's half angles, and from its slopes back to gradients."""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, sine_cosine, spread, store
from qntk.sampling.compiled import jit


@jit
def row_at(rows, g):  # type: ignore[no-untyped-def]
    """A row as a tuple: five numbers in registers, where a view of an array would count references."""
    return rows[g, 0], rows[g, 1], rows[g, 2], rows[g, 3], rows[g, 4]


@jit
def read_half_angles(thetas, start, indptr, indices, slopes, columns, half):  # type: ignore[no-untyped-def]
    """Half of jacobian · thetas for eight draws; draws past the end repeat the last one."""
    last = len(thetas) - 1
    for p in range(thetas.shape[1]):
        for b in range(WIDTH):
            columns[p * WIDTH + b] = thetas[min(start + b, last), p]
    for a in range(len(indptr) - 1):
        angle = spread(0.0)
        for e in range(indptr[a], indptr[a + 1]):
            angle = fma(spread(0.5 * slopes[e]), load(columns, indices[e] * WIDTH), angle)
        store(half, a * WIDTH, angle)


@jit
def read_angles(thetas, start, indptr, indices, slopes, offsets, columns, cos, sin):  # type: ignore[no-untyped-def]
    """Half angles of eight draws, as cosines and sines."""
    read_half_angles(thetas, start, indptr, indices, slopes, columns, cos)
    for a in range(len(offsets)):
        s, c = sine_cosine(load(cos, a * WIDTH) + spread(0.5 * offsets[a]))
        store(cos, a * WIDTH, c)
        store(sin, a * WIDTH, s)


@jit
def write_gradients(  # type: ignore[no-untyped-def]
    slopes, start, count, indptr, indices, jacobian, columns, result, kernels, gradients
):  # fmt: skip
    """Σ (∂f/∂column)² of eight draws, and the gradients where they are wanted, from the slopes by angles."""
    columns[:] = 0.0
    for a in range(len(indptr) - 1):
        for e in range(indptr[a], indptr[a + 1]):
            here = indices[e] * WIDTH
            store(columns, here, fma(spread(jacobian[e]), load(slopes, a * WIDTH), load(columns, here)))
    parameters = len(columns) // WIDTH
    total = spread(0.0)
    for p in range(parameters):
        g_p = load(columns, p * WIDTH)
        total = fma(g_p, g_p, total)
    store(result, 0, total)
    kernels[start : start + count] = result[:count]
    for b in range(min(count, len(gradients) - start)):
        for p in range(parameters):
            gradients[start + b, p] = columns[p * WIDTH + b]
