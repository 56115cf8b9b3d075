"""Draw files: the numbers that their author meant, or one line that says which line is amiss and what would read it."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qntk.inputs import machine
from qntk.inputs.draws import column_of, load_draws
from qntk.inputs.separated import Dialect

CELL = {"qubits": 3, "parameters": 10, "observable": "Z0", "generator": "half-pauli"}
MEANT = [0.5, 0.25, 0.125]


def load(path, column=None, dialect=None):
    return load_draws(path, "kernel", column, CELL, dialect)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("kernel\n0.5\n0.25\n0.125", None),
        ("\ufeffkernel\n0.5\n0.25\n0.125\n", None),
        ('"kernel"\n"0.5"\n 0.25\n0.125\n\n\n', None),
        ("seed, kernel\n1, 0.5\n2, 0.25\n3, 0.125\n", None),
        ("# kernel\r\n5.0e-01\r\n2.5e-01\r\n1.25e-01\r\n", None),
        (",kernel\n0,0.5\n1,0.25\n2,0.125\n", None),
        ("0.5\n0.25\n0.125\n", None),
        ("kernel\n0,5\n0,25\n0,125\n", Dialect(";", ",")),
        ("kernel;seed\n0,5;1\n0,25;2\n0,125;3\n", Dialect(";", ",")),
        ("kernel\tseed\n0.5\t1\n0.25\t2\n0.125\t3\n", Dialect("\t")),
        ("0\n0.5\n0.25\n0.125\n", Dialect(header=True)),
    ],
)
def test_a_table_gives_what_its_author_meant(tmp_path, text, dialect):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8", newline="") as file:
        file.write(text)
    for name in ("a.csv", "a.csv.gz"):
        assert load(tmp_path / name, dialect=dialect).tolist() == MEANT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "kernel\n0,5\n0,25\n0,125",
            "line 2 has 2 values where there are 1 columns; for decimal commas give --decimal",
        ),
        ("kernel,seed\n0.5,1,\n0.25,2,\n", "line 2 has 3 values where there are 2 columns"),
        ("kernel,seed\n0.5,1\n0.25\n", "line 3 has 1 values"),
        ('kernel\n0.5\n"1,234.5"\n', "line 3 has '1,234.5'; give real numbers"),
        ("kernel;seed\n0.5;1\n0.25;2\n", "--separator ';'"),
        ("kernel\tseed\n0.5\t1\n", "--separator a tab"),
        ("0.5 0.25\n0.1 0.2\n", "--separator ' '"),
        ("0\n0.5\n0.25\n", "line 1, '0', may be names or numbers; say --header or --no-header"),
        ("kernel,kernel\n0.5,1\n", "two columns are called 'kernel'"),
        ("kernel,seed\n,1\n", "line 2 has nothing in column 'kernel'"),
        ("kernel\n0.5\nNaN0\n", "line 3 has 'NaN0'"),
        ("kernel\n1_000\n", "line 2 has '1_000'"),
        ("kernel\n\uff11.\uff15\n", "line 2 has '\uff11.\uff15'"),
        ("kernel\n0.5+1j\n", "line 2 has '0.5+1j'"),
        (",".join(["0.5"] * 3000), "(3000 in all)"),
    ],
)
def test_what_is_not_clear_is_refused_with_its_line(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"^draws ") as caught:
        load(tmp_path / "a.csv")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_text_that_is_not_utf_8_is_said_to_be(tmp_path):
    for encoding in ("utf-16", "latin-1"):
        (tmp_path / "d.csv").write_bytes("kérnel\n0.5\n".encode(encoding))
        with pytest.raises(ValueError, match=r"no text in UTF-8; save it as that$"):
            load_draws(tmp_path / "d.csv", "kernel", None, CELL, None)


def test_a_decimal_point_is_no_thousands_mark(tmp_path):
    (tmp_path / "a.csv").write_text("kernel\n1.234\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 has '1\.234'"):
        load(tmp_path / "a.csv", dialect=Dialect(";", ","))


def test_partitions_and_files_of_other_columns(tmp_path):
    """Draws of 3 and of 4 qubits in one folder are of two cells, wherever the folder says so."""
    frame = pd.DataFrame({"kernel": np.arange(20.0), "qubits": [3, 4] * 10})
    frame.to_parquet(tmp_path / "parts", partition_cols=["qubits"])
    with pytest.raises(ValueError, match="several cells: qubits is 3, 4"):
        load(tmp_path / "parts")
    assert load(tmp_path / "parts" / "qubits=3").tolist() == list(range(0, 20, 2))
    (tmp_path / "mixed").mkdir()
    frame[["kernel"]].to_parquet(tmp_path / "mixed" / "a.parquet")
    frame.to_parquet(tmp_path / "mixed" / "b.parquet")
    with pytest.raises(ValueError, match="other columns"):
        load(tmp_path / "mixed")
    frame[["qubits"]].to_parquet(tmp_path / "mixed" / "b.parquet")
    with pytest.raises(ValueError, match="other columns"):
        load(tmp_path / "mixed")


def test_nested_and_missing_values_and_damage(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"kernel": [[0.5], [0.25]]}), path)
    with pytest.raises(ValueError, match="of type list"):
        load(path)
    pq.write_table(pa.table({"kernel": [0.5, None]}), path)
    with pytest.raises(ValueError, match="row 2 has no value"):
        load(path)
    pq.write_table(
        pa.table({"kernel": np.arange(100.0)}), path, write_page_checksum=True, compression="none", use_dictionary=False
    )
    content = bytearray(path.read_bytes())
    content[content.index(np.float64(50.0).tobytes()) + 6] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        load(path)


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", kernel=MEANT, dqntk=[1.0])
    assert load(tmp_path / "a.npz").tolist() == MEANT
    assert column_of(np.float32(MEANT)).tolist() == MEANT
    for bad in (np.ones((60, 50)), [[0.5]]):
        with pytest.raises(ValueError, match="one dimension"):
            column_of(bad)
    for bad in (np.ones(9, complex), np.ones(9, bool), ["0.5"], np.array([None])):
        with pytest.raises(TypeError, match="real numbers"):
            column_of(bad)


def test_draws_that_do_not_fit_into_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    """By the header where a format has one, else as the rows come in; a file that fits is read as ever."""
    numbers = np.random.default_rng(1).random(200_000)
    np.save(tmp_path / "a.npy", numbers)
    np.savez(tmp_path / "a.npz", kernel=numbers.astype(np.float32))
    frame = pd.DataFrame({"kernel": numbers})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    names = ("a.npy", "a.npz", "a.csv", "a.parquet")
    assert {len(load(tmp_path / name)) for name in names} == {200_000}

    def unread(*_, **__):
        raise AssertionError("the numbers are read")

    monkeypatch.setattr(machine, "free_memory", lambda: 2**20)
    monkeypatch.setattr(np.lib.format, "read_array", unread)
    for name in names:
        with pytest.raises(ValueError, match=r"draws \S+: comparing [\d,]+ needs about .* GiB of memory") as caught:
            load(tmp_path / name)
        assert "\n" not in str(caught.value)
