"""Separated text read strictly: every line has the columns of the first, every value is a number as it stands.

Nothing is guessed. A line that does not fit is named with its number, and with the option that would read the file.
Gzip is unpacked, a byte-order mark skipped, quotes about a number or a name taken off, lines without a word left out.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.csv

from qntk.inputs.messages import shown

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_BLOCK = 1 << 22
"""Bytes that are read at a time, and that a line may have at most."""


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes:
        separator: between columns.
        decimal: mark of the numbers, a point or a comma.
        header: whether the first line has the names; None where the file leaves no doubt.
        keys: whether messages name keys of a configuration, not options of a command.
    """

    separator: str = ","
    decimal: str = "."
    header: bool | None = None
    keys: bool = False

    def __post_init__(self) -> None:
        """Both marks must be known, and differ."""
        if self.separator not in SEPARATORS:
            raise ValueError(f"separator is {self.separator!r}; give one of , ; | a tab or a space")
        if self.decimal not in (".", ",") or self.decimal == self.separator:
            raise ValueError(f"decimal is {self.decimal!r}; give '.' or ',', and another separator than it")

    def advice(self, text: str) -> str:
        """What would read a text that does not fit: the end of a message, or nothing."""
        other = next((m for m in SEPARATORS if m not in (",", self.separator) and m in text.strip()), None)
        if other and self.separator == ",":
            mark = {"\t": '"\\t"' if self.keys else "a tab"}.get(other, f'"{other}"' if self.keys else f"'{other}'")
            return f"; for columns between {SEPARATORS[other]}s give {self._told('separator', mark)}"
        if "," in text and self.decimal == ".":
            marks = self._told("decimal", '","' if self.keys else ",")
            return f"; for decimal commas give {marks} and, where there are several columns, {self._told('separator')}"
        return "; write every line with the same columns" if self.separator in text else ""

    def _told(self, name: str, mark: str = "") -> str:
        if self.keys:
            return f"{name} = {mark}" if mark else f"the key '{name}'"
        return f"--{name} {mark}".rstrip()

    def number(self, word: str) -> float | None:
        """A word as a number; None if it is none. Thousands are not marked off: 1,234.5 is no number."""
        word = word.strip()
        if self.decimal == ",":
            if "." in word:
                return None
            word = word.replace(",", ".")
        try:
            return float(word) if word.isascii() and "_" not in word else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Layout:
    """What stands before the numbers: names of the columns, 0, 1, … without a line of them, and lines to skip."""

    names: list[str]
    skip: int


def layout(path: Path, dialect: Dialect) -> Layout:
    """How the columns of a table are called.

    Raises ``ValueError`` for a file without a line, a name that is there twice, or a first line of whole numbers above
    numbers that are not: it may be one of names.
    """
    rows = _rows(path, dialect)
    line, first = next(rows, (0, []))
    if not first:
        raise ValueError(f"{path}: it is empty, there is no line")
    header = dialect.header
    if header is None:
        header = any(dialect.number(word) is None for word in first)
        second = next(rows, (0, []))[1]
        if not header and second and all(map(_whole, first)) and not all(map(_whole, second)):
            raise ValueError(
                f"{path}: line {line}, {shown(dialect.separator.join(first))}, may be names or numbers; "
                "say --header or --no-header"
            )
    if not header:
        return Layout([str(index) for index in range(len(first))], line - 1)
    names = [word.strip() for word in first]
    names[0] = names[0].lstrip("#").strip()  # numpy's savetxt
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path}: two columns are called {shown(name)}; give each a name of its own")
    return Layout(names, line)


def read_batches(
    path: Path, dialect: Dialect, found: Layout, wanted: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Some columns of a table, block by block, as the types given. ``ValueError`` names the first line amiss."""
    try:
        with _open(path) as stream:
            yield from pyarrow.csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=found.names, skip_rows=found.skip, use_threads=False, block_size=_BLOCK
                ),
                parse_options=pyarrow.csv.ParseOptions(delimiter=dialect.separator),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=wanted, include_columns=list(wanted), decimal_point=dialect.decimal, null_values=[]
                ),
            )
    except (OSError, EOFError, pa.ArrowException) as error:
        if " nothing " in str(error) or "Empty CSV" in str(error):
            return
        numbers = [found.names.index(name) for name, kind in wanted.items() if pa.types.is_floating(kind)]
        reason = _first_amiss(path, dialect, found, numbers) or f"{path}: {str(error).splitlines()[0][:200]}"
        raise ValueError(reason) from error


def read_rows(path: Path, dialect: Dialect, found: Layout) -> Iterator[tuple[int, list[str]]]:
    """Each line below the names with its number from 1, as words; ``ValueError`` for one with other columns."""
    for line, words in _rows(path, dialect):
        if line <= found.skip:
            continue
        if len(words) != len(found.names):
            there = f"{len(words)} values where there are {len(found.names)} columns"
            raise ValueError(f"{path}: line {line} has {there}{dialect.advice(dialect.separator.join(words))}")
        yield line, words


def number_at(path: Path, dialect: Dialect, found: Layout, line: int, words: list[str], index: int) -> float:
    """The number in one column of a line of ``read_rows``; ``ValueError`` names line, column and what stands there."""
    value = dialect.number(words[index])
    if value is None:
        given = shown(words[index]) if words[index].strip() else "nothing"
        where = f" in column {shown(found.names[index])}" if len(words) > 1 else ""
        raise ValueError(f"{path}: line {line} has {given}{where}; give real numbers{dialect.advice(words[index])}")
    return value


def unreadable(error: Exception) -> str:
    """Why a file is none, in one line."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8; save it as that"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _first_amiss(path: Path, dialect: Dialect, found: Layout, numbers: list[int]) -> str | None:
    """The first line that has other columns, or no number where one is wanted, and what would read it."""
    try:
        for line, words in read_rows(path, dialect, found):
            for index in numbers:
                number_at(path, dialect, found, line, words, index)
    except ValueError as error:
        return str(error)
    return None


def _whole(word: str) -> bool:
    return word.strip().lstrip("+-").isdecimal()


def _rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Words of each line that has any, with its number from 1."""
    try:
        with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            reader = csv.reader(_lines(path, text), delimiter=dialect.separator)
            for words in reader:
                if any(word.strip() for word in words) or len(words) > 1:
                    yield reader.line_num, words
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_BLOCK):
        if len(line) == _BLOCK:
            raise ValueError(f"{path} has a line of more than {_BLOCK:,} characters; write one row of columns a line")
        yield line


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")
