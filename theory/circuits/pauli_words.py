"""Pauli strings packed into 64-bit words, and stabiliser states that give them expectation values.

A string on n qubits is 2W words with W = ⌈n/64⌉: W words of X bits, then W words of Z bits, qubit q at bit q % 64 of
word q // 64. It stands for the Hermitian operator i^{|x∧z|} X^x Z^z, which has a + sign and a Y where both bits are
set. Two strings anticommute where |x₁∧z₂| + |z₁∧x₂| is odd, and

    P₁P₂ = i^{y₁ + y₂ - y₃ + 2|z₁∧x₂|} P₃,      P₃ = bitwise sum, y = number of Y.

A stabiliser state |ψ> = V|0…0> with a Clifford V has <P> = ±1 where P commutes with all V Z_k V†, and 0 elsewhere. The
sign follows by writing P as a product of the V Z_k V†: the k-th one enters where P anticommutes with V X_k V†.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

stim.PauliString(1).to_numpy()  # at its first array stim imports NumPy, and two threads that both do so wait for ever

Words = NDArray[np.uint64]
LETTERS: Words = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.uint64)
"""I, X, Z, Y as strings on one qubit."""


def pack(x: NDArray[np.bool_], z: NDArray[np.bool_]) -> Words:
    """Strings from X bits and Z bits of shape (…, n): words of shape (…, 2⌈n/64⌉).

    >>> pack(np.array([True, True, False]), np.array([False, True, True])).tolist()
    [3, 6]
    """
    halves = []
    for bits in (x, z):
        padded = np.zeros((*bits.shape[:-1], -(-bits.shape[-1] // 64) * 64), dtype=bool)
        padded[..., : bits.shape[-1]] = bits
        halves.append(np.packbits(padded, axis=-1, bitorder="little").view("<u8").astype(np.uint64))
    return np.concatenate(halves, axis=-1)


def pack_stim(string: Any) -> tuple[Words, int]:
    """Words and sign ±1 of a ``stim.PauliString``."""
    x, z = string.to_numpy()
    return pack(x, z), round(complex(string.sign).real)


def pack_label(label: str) -> Words:
    """Words of a label whose leftmost letter is the highest qubit, Qiskit's order.

    Raises ``ValueError`` for letters other than I, X, Y, Z, or none.
    """
    if not label or set(label) - set("IXYZ"):
        raise ValueError(f"Pauli label {label!r} may only hold I, X, Y, Z")
    letters = np.array(list(reversed(label)))
    return pack(np.isin(letters, ("X", "Y")), np.isin(letters, ("Z", "Y")))


def anticommute(one: Words, two: Words) -> NDArray[np.bool_]:
    """Where strings of shape (…, 2W) anticommute; the leading axes broadcast."""
    half = one.shape[-1] // 2
    swapped = np.concatenate([two[..., half:], two[..., :half]], axis=-1)
    odd: NDArray[np.bool_] = np.bitwise_count(one & swapped).sum(axis=-1) % 2 == 1
    return odd


def multiply(one: Words, two: Words) -> tuple[Words, NDArray[np.int64]]:
    """The product P₁P₂ = i^k P₃ as words of P₃ and k modulo 4; the leading axes broadcast.

    >>> third, power = multiply(pack_label("X"), pack_label("Y"))
    >>> third.tolist() == pack_label("Z").tolist(), int(power)
    (True, 1)
    """
    half = one.shape[-1] // 2
    product = one ^ two
    crossed = np.bitwise_count(one[..., half:] & two[..., :half]).sum(axis=-1, dtype=np.int64)
    return product, (_ys(one) + _ys(two) - _ys(product) + 2 * crossed) % 4


def unique_rows(strings: Words) -> tuple[Words, NDArray[np.int64]]:
    """Different strings of an array (N, 2W) with N > 0, and the place of each of the N among them."""
    if strings.shape[1] == 2 and not (strings >> np.uint64(32)).any():
        keys, inverse = np.unique(strings[:, 0] | strings[:, 1] << np.uint64(32), return_inverse=True)
        return np.stack([keys & np.uint64(2**32 - 1), keys >> np.uint64(32)], axis=1), inverse
    order = np.lexsort(strings.T)
    rows = strings[order]
    first = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    inverse = np.empty(len(strings), dtype=np.int64)
    inverse[order] = np.cumsum(first) - 1
    return rows[first], inverse


@dataclass(frozen=True, eq=False)
class StabiliserState:
    """A stabiliser state V|0…0>.

    Attributes:
        stabilisers: strings of V Z_k V†, shape (n, 2W).
        signs: their signs ±1, shape (n,).
        destabilisers: strings of V X_k V†, shape (n, 2W).
    """

    stabilisers: Words
    signs: NDArray[np.int64]
    destabilisers: Words

    @classmethod
    def from_tableau(cls, tableau: Any) -> StabiliserState:
        """The state that the ``stim.Tableau`` of V makes of |0…0>."""
        rows = [pack_stim(tableau.z_output(k)) for k in range(len(tableau))]
        partners = [pack_stim(tableau.x_output(k))[0] for k in range(len(tableau))]
        return cls(np.stack([r for r, _ in rows]), np.array([s for _, s in rows]), np.stack(partners))

    def expectations(self, strings: Words) -> NDArray[np.int64]:
        """<P> in {-1, 0, 1} of each string, shape (N,) for strings of shape (N, 2W).

        >>> import stim
        >>> bell = StabiliserState.from_tableau(stim.Circuit("H 0\\nCX 0 1").to_tableau())
        >>> bell.expectations(np.stack([pack_label(p) for p in ("XX", "YY", "ZI")])).tolist()
        [1, -1, 0]
        """
        result = np.zeros(len(strings), dtype=np.int64)
        left = np.arange(len(strings))
        for stabiliser in self.stabilisers:
            left = left[~anticommute(strings[left], stabiliser)]
        product = np.zeros((len(left), strings.shape[1]), dtype=np.uint64)
        power = np.zeros(len(left), dtype=np.int64)
        for stabiliser, sign, partner in zip(self.stabilisers, self.signs, self.destabilisers, strict=True):
            chosen = anticommute(strings[left], partner)
            words, phase = multiply(product[chosen], stabiliser)
            product[chosen] = words
            power[chosen] += phase + (1 - sign)
        result[left] = 1 - power % 4
        return result


def _ys(strings: Words) -> NDArray[np.int64]:
    """Number of Y in each string."""
    half = strings.shape[-1] // 2
    count: NDArray[np.int64] = np.bitwise_count(strings[..., :half] & strings[..., half:]).sum(axis=-1, dtype=np.int64)
    return count


def unpack(strings: Words, qubits: int) -> NDArray[np.bool_]:
    """X bits, then Z bits, of strings of shape (N, 2W): shape (N, 2n).

    >>> unpack(pack_label("ZX")[None], 2).astype(int).tolist()
    [[1, 0, 0, 1]]
    """
    halves = np.split(np.ascontiguousarray(strings).astype("<u8").view(np.uint8), 2, axis=-1)
    bits = [np.unpackbits(half, axis=-1, bitorder="little", count=qubits) for half in halves]
    return np.concatenate(bits, axis=-1).astype(bool)
