"""Vectors of eight doubles as a Numba type, so that compiled kernels say which values live in registers.

A loop over draws leaves it to the compiler to prove that rows do not overlap, which it cannot. Loading, computing and
storing explicit vectors needs no proof. LLVM maps a vector to one AVX-512 register, two of AVX2 or four of NEON.

Numba's on-disk cache does not notice an edit in this file: clear ``__pycache__`` after one.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import njit
from numba import types as typing
from numba.core import types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 8
"""Doubles in a vector."""

_VECTOR, _INTEGERS = ir.VectorType(ir.DoubleType(), WIDTH), ir.VectorType(ir.IntType(64), WIDTH)


class Lanes(types.Type):
    """Numba type of a vector: one value for each of ``WIDTH`` draws."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)


_LANES = Lanes()


def _mask(order: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), order)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer())


@intrinsic
def load(typing_context, array, offset):  # type: ignore[no-untyped-def]
    """The vector at ``array[offset : offset + 8]`` of a contiguous float64 array; no bounds check."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=8)

    return _LANES(array, types.intp), generate


@intrinsic
def store(typing_context, array, offset, value):  # type: ignore[no-untyped-def]
    """Write a vector to ``array[offset : offset + 8]``; no bounds check."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_value, offset_value, vector = arguments
        builder.store(vector, _pointer(context, builder, signature.args[0], array_value, offset_value), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), generate


@intrinsic
def spread(typing_context, value):  # type: ignore[no-untyped-def]
    """The vector that holds one number eight times."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), _mask([0] * WIDTH))

    return _LANES(types.float64), generate


@intrinsic
def transposed(typing_context, a, b, c, d, e, f, g, h):  # type: ignore[no-untyped-def]
    """Eight vectors, of which the i-th has the i-th lanes of those given."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        rows = list(arguments)
        for step in (1, 2, 4):
            # Of rows i and i + step, the blocks of ``step`` lanes off the diagonal change places.
            low, high = [i for i in range(WIDTH) if not i & step], [i for i in range(WIDTH) if i & step]
            first = [i if not i & step else i - step + WIDTH for i in range(WIDTH)]
            second = [i + step if not i & step else i + WIDTH for i in range(WIDTH)]
            for i, j in zip(low, high, strict=True):
                one, two = rows[i], rows[j]
                rows[i], rows[j] = (builder.shuffle_vector(one, two, _mask(m)) for m in (first, second))
        return context.make_tuple(builder, signature.return_type, rows)

    return typing.UniTuple(_LANES, WIDTH)(a, b, c, d, e, f, g, h), generate


def _exchanged(distance: int) -> Any:
    """A function that gives the vector whose i-th lane was the i^distance-th."""

    @intrinsic
    def exchange(typing_context, a):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            order = _mask([i ^ distance for i in range(WIDTH)])
            return builder.shuffle_vector(arguments[0], ir.Constant(_VECTOR, ir.Undefined), order)

        return _LANES(a), generate

    return exchange


_by_one, _by_two, _by_four = _exchanged(1), _exchanged(2), _exchanged(4)


@njit(nogil=True, cache=True)
def flipped(a, bits):  # type: ignore[no-untyped-def]
    """The vector whose i-th lane was the (i^bits)-th."""
    if bits & 1:
        a = _by_one(a)
    if bits & 2:
        a = _by_two(a)
    if bits & 4:
        a = _by_four(a)
    return a


@njit(nogil=True, cache=True)
def lane_sum(a):  # type: ignore[no-untyped-def]
    """Σ of the lanes, halves first."""
    a = a + _by_four(a)
    a = a + _by_two(a)
    return _first(a + _by_one(a))


@intrinsic
def _first(typing_context, a):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), 0))

    return types.float64(a), generate


@intrinsic
def fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    """a·b + c, rounded once, of vectors or of numbers. The same bits everywhere: a library call where there is no
    such instruction, which is no machine of the last ten years."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind, name = (_VECTOR, f"v{WIDTH}f64") if isinstance(a, Lanes) else (ir.DoubleType(), "f64")
        return builder.call(_function(builder, f"llvm.fma.{name}", kind, 3), arguments)

    return a(a, b, c), generate


@intrinsic
def root(typing_context, a):  # type: ignore[no-untyped-def]
    """√a of every lane, correctly rounded."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.call(_function(builder, f"llvm.sqrt.v{WIDTH}f64", _VECTOR, 1), arguments)

    return _LANES(a), generate


def _function(builder: Any, name: str, kind: Any, count: int) -> Any:
    """An LLVM intrinsic from ``count`` values of one kind to one."""
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(kind, [kind] * count), name)


@intrinsic
def parity(typing_context, bits):  # type: ignore[no-untyped-def]
    """Number of set bits modulo 2."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        function = builder.module.declare_intrinsic("llvm.ctpop", [word], ir.FunctionType(word, [word]))
        return builder.and_(builder.call(function, arguments), ir.Constant(word, 1))

    return types.int64(types.int64), generate


def _binary(method: str) -> Any:
    @intrinsic
    def apply(typing_context, a, b):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, method)(*arguments)

        return _LANES(a, b), generate

    return apply


def _overload(symbol: Any, method: str) -> None:
    apply = _binary(method)

    @overload(symbol)
    def implementation(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, Lanes) and isinstance(b, Lanes):
            return lambda a, b: apply(a, b)
        return None


_overload(operator.add, "fadd")
_overload(operator.sub, "fsub")
_overload(operator.mul, "fmul")
_overload(operator.truediv, "fdiv")


@intrinsic
def _negated(typing_context, a):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.fneg(arguments[0])

    return _LANES(a), generate


@overload(operator.neg)
def _neg(a):  # type: ignore[no-untyped-def]
    if isinstance(a, Lanes):
        return lambda a: _negated(a)
    return None


@intrinsic
def split(typing_context, a):  # type: ignore[no-untyped-def]
    """k and m with a = 2^k m and √½ <= m < √2, for a normal a > 0."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        def every(value: int) -> Any:
            return ir.Constant(_INTEGERS, [value] * WIDTH)

        bits = builder.bitcast(arguments[0], _INTEGERS)
        exponent = builder.ashr(builder.sub(bits, every(0x3FE6A09E667F3BCD)), every(52))
        mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, every(52))), _VECTOR)
        # An integer added to the bits of 1.5·2^52 adds itself to the number; AVX2 cannot convert 64-bit integers.
        magic = builder.bitcast(builder.add(exponent, every(0x4338000000000000)), _VECTOR)
        power = builder.fsub(magic, ir.Constant(_VECTOR, [6755399441055744.0] * WIDTH))
        return context.make_tuple(builder, signature.return_type, (power, mantissa))

    return typing.UniTuple(_LANES, 2)(a), generate


@intrinsic
def _quadrant(typing_context, even, odd, magic):  # type: ignore[no-untyped-def]
    """``even`` or ``odd`` by the parity of k, negated where k's second bit is set; magic is k + 1.5·2^52."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        def every(value: int) -> Any:
            return ir.Constant(_INTEGERS, [value] * WIDTH)

        even_value, odd_value, magic_value = arguments
        bits = builder.bitcast(magic_value, _INTEGERS)
        swap = builder.icmp_unsigned("!=", builder.and_(bits, every(1)), every(0))
        chosen = builder.bitcast(builder.select(swap, odd_value, even_value), _INTEGERS)
        flip = builder.shl(builder.and_(bits, every(2)), every(62))
        return builder.bitcast(builder.xor(chosen, flip), _VECTOR)

    return _LANES(even, odd, magic), generate


@njit(nogil=True, cache=True)
def sine_cosine(x):  # type: ignore[no-untyped-def]
    """sin x and cos x to about 2e-16, for |x| < 1e6.

    Reduction by a three-part π/2 and the minimax polynomials of S. L. Moshier's Cephes library.
    """
    magic = fma(x, spread(0.6366197723675814), spread(6755399441055744.0))
    k = magic - spread(6755399441055744.0)
    r = fma(k, spread(-1.570796251296997), x)
    r = fma(k, spread(-7.5497894158615964e-08), r)
    r = fma(k, spread(-5.390302858158119e-15), r)
    z = r * r
    s = fma(z, spread(1.58962301576546568060e-10), spread(-2.50507477628578072866e-8))
    s = fma(z, s, spread(2.75573136213857245213e-6))
    s = fma(z, s, spread(-1.98412698295895385996e-4))
    s = fma(z, s, spread(8.33333333332211858878e-3))
    s = fma(z, s, spread(-1.66666666666666307295e-1))
    s = fma(z * r, s, r)
    c = fma(z, spread(-1.13585365213876817300e-11), spread(2.08757008419747316778e-9))
    c = fma(z, c, spread(-2.75573141792967388112e-7))
    c = fma(z, c, spread(2.48015872888517045348e-5))
    c = fma(z, c, spread(-1.38888888888730564116e-3))
    c = fma(z, c, spread(4.16666666666665929218e-2))
    c = fma(z * z, c, fma(z, spread(-0.5), spread(1.0)))
    return _quadrant(s, c, magic), _quadrant(c, -s, magic)
