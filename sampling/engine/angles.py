"""From parameters to the cosines and sines of a program's half angles, and from its slopes back to gradients."""

from __future__ import annotations

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, sine_cosine, spread, store, transposed
from qntk.sampling.compiled import leaf


@leaf
def row_at(rows, g):  # type: ignore[no-untyped-def]
    """A row as a tuple: five numbers in registers, where a view of an array would count references."""
    return rows[g, 0], rows[g, 1], rows[g, 2], rows[g, 3], rows[g, 4]


@leaf
def _load_four(array, place):  # type: ignore[no-untyped-def]
    return (
        load(array, place), load(array, place + WIDTH), load(array, place + 2 * WIDTH), load(array, place + 3 * WIDTH)
    )  # fmt: skip


@leaf
def _store_eight(array, place, step, count, vectors):  # type: ignore[no-untyped-def]
    """Write the first ``count`` of eight vectors, ``step`` doubles apart."""
    a, b, c, d, e, f, g, h = vectors
    store(array, place, a)
    if count > 1:
        store(array, place + step, b)
    if count > 2:
        store(array, place + 2 * step, c)
    if count > 3:
        store(array, place + 3 * step, d)
    if count > 4:
        store(array, place + 4 * step, e)
    if count > 5:
        store(array, place + 5 * step, f)
    if count > 6:
        store(array, place + 6 * step, g)
    if count > 7:
        store(array, place + 7 * step, h)


@leaf
def read_half_angles(thetas, start, indptr, indices, slopes, columns, half):  # type: ignore[no-untyped-def]
    """Half of jacobian · thetas for eight draws; draws past the end repeat the last one."""
    last, count = len(thetas) - 1, thetas.shape[1]
    for p in range(0, count - WIDTH + 1, WIDTH):
        a, b = load(thetas, start * count + p), load(thetas, min(start + 1, last) * count + p)
        c, d = load(thetas, min(start + 2, last) * count + p), load(thetas, min(start + 3, last) * count + p)
        e, f = load(thetas, min(start + 4, last) * count + p), load(thetas, min(start + 5, last) * count + p)
        g, h = load(thetas, min(start + 6, last) * count + p), load(thetas, min(start + 7, last) * count + p)
        _store_eight(columns, p * WIDTH, WIDTH, WIDTH, transposed(a, b, c, d, e, f, g, h))
    for p in range(count - count % WIDTH, count):
        for b in range(WIDTH):
            columns[p * WIDTH + b] = thetas[min(start + b, last), p]
    for a in range(len(indptr) - 1):
        angle = spread(0.0)
        for e in range(indptr[a], indptr[a + 1]):
            angle = fma(spread(0.5 * slopes[e]), load(columns, indices[e] * WIDTH), angle)
        store(half, a * WIDTH, angle)


@leaf
def read_angles(thetas, start, indptr, indices, slopes, offsets, columns, cos, sin):  # type: ignore[no-untyped-def]
    """Half angles of eight draws, as cosines and sines."""
    read_half_angles(thetas, start, indptr, indices, slopes, columns, cos)
    for a in range(len(offsets)):
        s, c = sine_cosine(load(cos, a * WIDTH) + spread(0.5 * offsets[a]))
        store(cos, a * WIDTH, c)
        store(sin, a * WIDTH, s)


@leaf
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
    for b in range(count):
        kernels[start + b] = result[b]
    count = min(count, len(gradients) - start)
    for p in range(0, parameters - WIDTH + 1 if count > 0 else 0, WIDTH):
        a, b, c, d = _load_four(columns, p * WIDTH)
        e, f, g, h = _load_four(columns, (p + 4) * WIDTH)
        rows = transposed(a, b, c, d, e, f, g, h)
        _store_eight(gradients, start * parameters + p, parameters, count, rows)
    for b in range(count):
        for p in range(parameters - parameters % WIDTH, parameters):
            gradients[start + b, p] = columns[p * WIDTH + b]
