"""Tables of points and labels: the numbers that were meant, or one line that says where they are not."""

import gzip

import numpy as np
import pytest

from qntk.inputs.tables import MOST_POINTS
from qntk.validation.diagnosis.config import DatasetConfig

ROWS = ((0.5, 1.0, 0.25), (1.5, 1.0, 0.5), (2.5, 1.0, -0.5), (3.5, 1.5, 0.125))


def load(tmp_path, text, name="t.csv", **keys):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    return DatasetConfig(kind="csv", path=str(tmp_path / name), **keys).load()


def lines(separator=",", decimal=".", head="a{0}b{0}y", end="\n", tail=""):
    rows = [separator.join(str(v).replace(".", decimal) for v in row) + tail for row in ROWS]
    return end.join([head.format(separator), *rows]) + end


@pytest.mark.parametrize(
    ("text", "name", "keys"),
    [
        (lines(), "t.csv", {}),
        (lines(end="\r\n"), "t.csv", {}),
        (b"\xef\xbb\xbf" + lines().encode(), "t.csv", {}),
        (gzip.compress(lines().encode()), "t.csv.gz", {}),
        (lines("\t"), "t.tsv", {}),
        (lines("\t"), "t.csv", {"separator": "\t"}),
        (lines(";"), "t.csv", {"separator": ";"}),
        (lines(";", ","), "t.csv", {"decimal": ","}),
        (lines(head='"a"{0} b{0}y'), "t.csv", {}),
        (lines().replace("0.5,1.0", '"0.5",1.0'), "t.csv", {}),
        ("y,a,b\n" + "".join(f"{y},{a},{b}\n" for a, b, y in ROWS), "t.csv", {}),
        ("b,y,a\n" + "".join(f"{b},{y},{a}\n" for a, b, y in ROWS), "t.csv", {"features": ["a", "b"]}),
        ("id,a,b,y\n" + "".join(f"{i},{a},{b},{y}\n" for i, (a, b, y) in enumerate(ROWS)), "t.csv",
         {"features": ["a", "b"]}),
    ],
)  # fmt: skip
def test_the_numbers_that_were_meant(tmp_path, text, name, keys):
    data = load(tmp_path, text, name, **keys)
    assert np.column_stack([data.x, data.labels]).tolist() == [list(row) for row in ROWS]
    assert data.training.tolist() == [True, False, True, False]
    assert data.notes == ()


@pytest.mark.parametrize("index", [range(4), range(1, 5), "abcd"])
def test_an_unnamed_index_is_left_out_with_a_word(tmp_path, index):
    """As pandas and R write one."""
    rows = lines().splitlines()
    text = "\n".join([f'"",{rows[0]}', *(f"{i},{row}" for i, row in zip(index, rows[1:], strict=True))])
    data = load(tmp_path, text)
    assert data.x.tolist() == [list(row[:2]) for row in ROWS]
    assert "left out as an index" in data.notes[0]


def test_rows_may_be_counted_by_the_only_feature(tmp_path):
    """A table of times: nothing else could be the input."""
    assert load(tmp_path, "t,y\n0,0.1\n1,0.2\n2,0.1\n").x.tolist() == [[0], [1], [2]]


def test_split_says_what_is_trained(tmp_path):
    data = load(tmp_path, "a,split,y\n0.5,test,0\n1,train,0\n2.5, train ,0\n")
    assert data.training.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "keys", "words"),
    [
        ("a,b\n1,2\n", {}, "none is 'y'"),
        ("0.1,0.2\n0.3,0.4\n", {}, "none is 'y'"),
        ("a;y\n1;2\n", {}, 'give separator = ";"'),
        ("a\ty\n1\t2\n", {}, r'give separator = "\\t"'),
        (lines(";", ","), {"separator": ";"}, """line 2 has '0,5' in column 'a'.*decimal = ",\""""),
        (lines(",", ","), {}, "line 2 has 6 values where there are 3 columns.*decimal"),
        (lines(tail=","), {}, "line 2 has 4 values where there are 3 columns"),
        ("a,a,y\n1,2,3\n", {}, "two columns are called 'a'"),
        ("a,,y\n1,2,3\n", {}, "column 2 has no name"),
        (",,y\n1,2,3\n", {}, "two columns are called ''"),
        ("i,a,y\n0,0.5,3\n1,0.2,3\n2,0.1,3\n", {}, r"column 'i' counts the rows.*features = \[\"a\"\]"),
        ("a,y\n1,2\n1.5,\n", {}, "line 3 has nothing in column 'y'"),
        ("a,y\n1,2\n1.5,NA\n", {}, "line 3 has 'NA' in column 'y'"),
        ("a,y\n1,nan\n2,1\n3,1\n", {}, "line 2 has 'nan' in column 'y'; give a finite number"),
        ("a,y\n1,2\n1e400,1\n", {}, "line 3 has '1e400' in column 'a'; give a finite number"),
        ('a,y\n"1,234.5",2\n', {}, "line 2 has '1,234.5' in column 'a'"),
        ("a,y\n1_000,2\n", {}, "line 2 has '1_000'"),
        ("a,y\n1+2j,2\n", {}, "give real numbers"),
        ("a,y\n1,2\n1,3\n2,1\n", {}, "points 0 and 1 have the same input"),
        ("a,y\n1,2\n", {}, "1 points to train on"),
        ("a,y,split\n1,2,maybe\n", {}, "line 2 has 'maybe' in column 'split'; give train or test"),
        ("y\n1\n", {}, "no feature"),
        ("", {}, "there is no line"),
        (b"a,y\n\xff,2\n", {}, "cannot be read"),
        (b"PK\x03\x04\x00\x00", {}, "data set"),
        ("a,y\n1,2\n", {"features": ["b"]}, "no feature 'b'; it has a"),
        ("a,y\n1,2\n", {"features": ["y"]}, "no feature 'y'"),
        ("a,y\n1,2\n", {"features": ["a", "a"]}, "named twice"),
        ("a,y\n1,2\n", {"separator": "ab"}, "separator is 'ab'"),
        ("a,y\n1,2\n", {"separator": ",", "decimal": ","}, "another separator"),
        ("a,y\n" + "".join(f"{i},0\n" for i in range(MOST_POINTS + 1)), {}, "more than 10,000 points"),
        ("\x1b[31m,y\n1,2\n", {}, r"training|train on"),
        ("a,y\nx\x1b[31m,2\n", {}, r"line 2 has 'x\\x1b\[31m'"),
    ],
)
def test_bad_tables_are_one_short_line(tmp_path, text, keys, words):
    with pytest.raises(ValueError, match=words) as error:
        load(tmp_path, text, **keys)
    said = str(error.value)
    assert "\n" not in said
    assert len(said.replace(str(tmp_path), "")) < 300
    assert said.startswith(("data set", "separator", "decimal"))


@pytest.mark.parametrize("name", ["", "none.csv"])
def test_no_table_is_one_line(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be read"):
        DatasetConfig(kind="csv", path=str(tmp_path / name)).load()


def test_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text(lines())
    assert len(DatasetConfig(kind="csv", path="~/t.csv").load().labels) == 4
