"""Tables are readable by people and by programs."""

import csv
import json

import numpy as np
import pytest

from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, plain, rows_text, save_rows, show, text_table


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (None, ".3g", "–"),
        (float("nan"), ".3g", "–"),
        (True, ".3g", "yes"),
        (np.bool_(False), ".3g", "no"),
        (1234.5678, ".3g", "1.23e+03"),
        (7, ",d", "7"),
        (177147, ",d", "177,147"),
        (512, "bytes", "512 B"),
        (1_250_000, "bytes", "1.25 MB"),
        (10**17, ",d", "100,000,000,000,000,000"),
        (3**99, ",d", "1.7e47"),  # 59 columns wide in digits
        (3**1001, ",d", "4.0e477"),  # beyond float64, as are all below
        (-(3**1001), ".3g", "-4.0e477"),
        (8 * 3**1001, "bytes", "3.2e478 bytes"),
        (float("inf"), ",d", "–"),
        (32e9, "bytes", "32 GB"),
        (4e18, "bytes", "4.0e18 bytes"),
        (12e-6, "seconds", "12 µs"),
        (0.0034, "seconds", "3.4 ms"),
        (999.6e-6, "seconds", "1 ms"),
        (61.0, "seconds", "61 s"),
        ("word", ".3g", "word"),
    ],
)
def test_show(value, spec, text) -> None:
    assert show(value, spec) == text


def test_columns_are_aligned_numbers_right_words_left() -> None:
    columns = [Column("name", "name"), Column("x", "x (unit)")]
    lines = text_table(
        columns, [{"name": "a", "x": 1.0}, {"name": "long", "x": None}], title="title"
    ).splitlines()
    assert lines == [
        "title",
        "",
        "name  x (unit)",
        "----  --------",
        "a            1",
        "long         –",
    ]


def test_every_part_of_a_wide_table_tells_its_rows_apart() -> None:
    """By "l" and "method" here: "operator" alone does not, and "n" adds nothing."""
    columns = [Column(key, key) for key in ("operator", "n", "l", "method", *map(str, range(40)))]
    rows = [
        {"operator": "mine", "n": 5, "l": order, "method": method, **{str(k): 1 for k in range(40)}}
        for order in (3, 5)
        for method in ("explicit", "exact")
    ]
    parts = [part.splitlines() for part in text_table(columns, rows, width=60).split("\n\n")]
    assert len(parts) > 1
    for heads, _, *lines in parts:
        assert max(map(len, lines)) <= 60
        keys = [heads.split().index(key) for key in ("operator", "l", "method")]
        told = [tuple(line.split()[k] for k in keys) for line in lines]
        assert told == [(row["operator"], str(row["l"]), row["method"]) for row in rows]
    assert ["n" in part[0].split() for part in parts] == [True] + [False] * (len(parts) - 1)


def test_rows_are_numbered_where_what_tells_them_apart_is_too_wide() -> None:
    keys = [f"a long heading {k}".replace(" ", "_") for k in range(3)]
    rows = [{key: 1 << (i >> k & 1) for k, key in enumerate(keys)} | {"x": 1.5} for i in range(8)]
    columns = [*(Column(key, key) for key in keys), Column("x", "x")]
    parts = [part.splitlines() for part in text_table(columns, rows, width=40).split("\n\n")]
    assert len(parts) > 1
    for heads, _, *lines in parts:
        assert heads.split()[0] == "row"
        assert [line.split()[0] for line in lines] == [str(k) for k in range(1, 9)]


def test_a_text_below_a_row_keeps_to_the_width() -> None:
    rows = [{"name": "a", "x": 1.0, "said": "one\n" + "word " * 20}, {"name": "b", "said": ""}]
    lines = text_table(
        [Column("name", "name"), Column("x", "x")], rows, width=40, below="said"
    ).splitlines()
    assert lines[2:4] == ["a     1", "    one"]
    assert lines[-1] == "b     –"
    assert all(line.startswith("    word") and len(line) <= 40 for line in lines[4:-1])
    assert " ".join(lines[4:-1]).split() == ["word"] * 20


def test_json_is_strict_and_csv_has_the_union_of_keys(tmp_path) -> None:
    rows = [{"a": np.float64(1.5), "b": np.array([1, 2])}, {"a": float("inf"), "c": np.int64(3)}]
    document = json.loads(save_rows(tmp_path / "deep" / "t.json", rows, {"seed": 1}).read_text())
    assert document == {
        "provenance": {"seed": 1},
        "rows": [{"a": 1.5, "b": [1, 2]}, {"a": None, "c": 3}],
    }
    with open(save_rows(tmp_path / "t.csv", rows), newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"a": "1.5", "b": "[1, 2]", "c": ""},
            {"a": "", "b": "", "c": "3"},
        ]
    assert plain((np.bool_(True), {"x": {1: 2}})) == [True, {"x": {"1": 2}}]


def test_integers_of_any_size_can_be_written() -> None:
    rows = [{"entries": 3**1001, "more": 10**5000}]  # Python writes up to 4300 digits
    row = json.loads(rows_text("json", rows))["rows"][0]
    assert row == {"entries": 3**1001, "more": "1.0e5000"}
    assert rows_text("csv", rows).endswith(f"{3**1001},1.0e5000\n")


def test_provenance_says_where_a_result_comes_from() -> None:
    record = provenance(7, order=3)
    assert record["seed"] == 7
    assert record["order"] == 3
    assert record["versions"]["numpy"] == np.__version__
    assert record["machine"]["cores"] >= 1
    json.dumps(record)


def test_every_form_has_one_dialect() -> None:
    """Lists are JSON and what is missing or not finite is empty or null, wherever rows leave."""
    rows = [{"a": [1.0, float("nan")], "b": "ä,b"}, {"a": None, "c": float("-inf")}]
    assert rows_text("csv", rows) == 'a,b,c\n"[1.0, null]","ä,b",\n,,\n'
    assert rows_text("jsonl", rows) == '{"a": [1.0, null], "b": "ä,b"}\n{"a": null, "c": null}\n'
    assert json.loads(rows_text("json", rows, {"seed": 1}, findings=("x",))) == {
        "provenance": {"seed": 1},
        "rows": [{"a": [1.0, None], "b": "ä,b"}, {"a": None, "c": None}],
        "findings": ["x"],
    }
    with pytest.raises(ValueError, match="form: expected csv, json or jsonl, got 'xml'"):
        rows_text("xml", rows)
