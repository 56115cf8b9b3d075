"""Typeset the article on the committed reports, ``build/paper/article.pdf``; ``make paper`` runs it.

The engine is Typst, which comes as a package (``pip install 'qntk[paper]'``) and needs neither a network nor fonts.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quoted import documents, quoted

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def typeset(given: dict[str, Any], output: Path) -> None:
    """Write the article with the numbers of these documents; PDF, or by the name's end PNG or SVG pages.

    Raises ``ValueError`` if there is no engine, or the article names a number that the documents do not have.
    """
    try:
        import typst
    except ImportError:
        raise ValueError("make paper needs the typesetter Typst, and it is not installed: pip install typst") from None
    numbers = quoted(given)
    released = datetime.fromisoformat(numbers["release"]["date-released"]).replace(tzinfo=UTC)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        typst.compile(
            HERE / "article.typ", output=output, root=ROOT, format=output.suffix.removeprefix("."), ppi=110,
            sys_inputs={"quoted": json.dumps(numbers, ensure_ascii=False)}, ignore_system_fonts=True,
            timestamp=released,
        )  # fmt: skip
    except typst.TypstError as error:
        raise ValueError(f"the article cannot be typeset: {error.message}") from error


def main() -> None:
    """Exit 2 with one line where it cannot be done."""
    output = ROOT / "build" / "paper" / "article.pdf"
    try:
        typeset(documents(), output)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(output.relative_to(ROOT))


if __name__ == "__main__":
    main()
