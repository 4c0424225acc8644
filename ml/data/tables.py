"""CSV tables of data sets -> rows with their line, faults told instead of guessed away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml.errors import DataError

Row = dict[str, str]


def read(
    path: Path, columns: Sequence[str], problems: list[str], delimiter: str = ","
) -> list[tuple[int, Row]]:
    """(line, row) of each row of a CSV file in UTF-8 whose first row names its columns.

    `line` counts from 1 and is the one where the row begins. Values come stripped, names of columns too;
    empty rows are passed over. A row with more or fewer values than the header is left out and told in
    `problems`, as is the end of what can be parsed.

    Raises:
        DataError: no such file, not UTF-8, or one of `columns` isn't in the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise DataError(
            f"{path.name} can't be read: {why}.",
            "Name the folder of the data set as published, with its tables.",
        ) from error
    lines = _parsed(text, path.name, problems, delimiter)
    _, header = next(lines, (1, []))
    missing = [column for column in columns if column not in header]
    if missing or len(set(header)) < len(header):
        raise DataError(
            f"{path.name} is not the table that was expected: its first row "
            + (f"lacks {', '.join(missing)}." if missing else "names a column twice."),
            f"It has to name {', '.join(columns)}.",
        )
    rows = []
    for line, values in lines:
        if len(values) == len(header):
            rows.append((line, dict(zip(header, values, strict=True))))
        else:
            problems.append(f"{path.name} line {line}: {len(values)} values, the first row has {len(header)}")
    return rows


def _parsed(text: str, name: str, problems: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for values in reader:
            stripped = [value.strip() for value in values]
            if any(stripped):
                yield begins, stripped
            begins = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"{name} line {begins}: {error}")
