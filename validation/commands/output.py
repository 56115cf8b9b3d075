"""What commands print: one strict JSON document, or text in which names that users chose cannot move the cursor."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from qntk.inputs.messages import printable_lines


def echo_json(document: Any) -> None:
    """Print a document; what is not finite is null, as JSON has no word for it."""
    click.echo(json.dumps(_strict(document), allow_nan=False))


def echo_text(text: str) -> None:
    """Print text, its control characters as their escapes."""
    click.echo(printable_lines(text))


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(held) for held in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
