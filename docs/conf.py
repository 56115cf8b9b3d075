"""How Sphinx builds this site; ``make docs`` calls it with warnings as errors."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from docutils import nodes
from latex2mathml.converter import convert
from pydantic import BaseModel
from sphinx import addnodes
from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

project = "qntk"
author = "The qntk developers"
copyright = f"2026, {author}"
version = release = installed("qntk")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
templates_path = ["_templates"]
smartquotes = False
highlight_language = "none"
html_theme = "furo"
html_math_renderer = "mathml"
html_title = f"qntk {release}"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

nb_execution_mode = "force"  # what the gallery shows is of this version
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_output_stderr = "remove"  # bars of progress

autosummary_generate = True
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"NDArray": "NDArray", "ArrayLike": "ArrayLike"}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False

copybutton_prompt_text = "$ "
linkcheck_timeout = 20

nitpicky = True
nitpick_ignore_regex = [
    # Other projects, whose inventories would need the network.
    (r"py:.*", r"(annotated_types|hypothesis|np|numpy|pydantic|qiskit|qiskit_aer|stim)\..*"),
    (r"py:class", r"NDArray|ArrayLike|OwnLoss|SparsePauliOp|Parameter|QuantumCircuit"),
    # The standard library.
    (r"py:.*", r"(collections|fractions|pathlib|typing)\..*|NoneType"),
    # Unions of types that have a name, which autodoc shows by that name: nothing to link to.
    (r"py:class", r"Array|Complex|Float|Loss|Matrix|Number|OperatorLike|Size|Tested|Words|Dialect|Path|Quantity"),
    # Modules that no user calls, so that they have no page.
    (r"py:.*", r"qntk\.validation\.(sweep\.(cell|cells|own_circuits|ranges)|scaling\.families|judge\.sequential)\..*"),
]


_LOCAL = re.compile(r"""(?:href|src)=["']?([^"'#?:>\s]+)""")


def link_outside(app: Sphinx, doctree: nodes.document) -> None:
    """Links to a file of the repository outside docs/ lead to a copy in the site, with all that a page itself links to.

    A report is linked as Markdown, which a repository shows, and is here its page.
    """
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for node in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        named = Path(os.path.normpath(folder / node["reftarget"]))  # MyST names a page without its suffix
        path = next((p for p in (named.with_suffix(".html"), named, Path(f"{named}.md")) if p.is_file()), HERE)
        if node["reftype"] != "myst" or path.is_relative_to(HERE) or not path.is_relative_to(ROOT):
            continue
        copy_to_site(path, Path(app.outdir))
        here, page = Path(app.outdir, path.relative_to(ROOT)), Path(app.outdir, f"{app.env.docname}.html")
        fragment = f"#{node['reftargetid']}" if node.get("reftargetid") else ""
        node.replace_self(nodes.reference("", "", *node.children, refuri=os.path.relpath(here, page.parent) + fragment))


def copy_to_site(path: Path, site: Path) -> None:
    """A file, and those that it links to if it is a page, at the same places as in the repository."""
    linked = _LOCAL.findall(path.read_text(encoding="utf-8")) if path.suffix == ".html" else []
    for file in (path, *(path.parent / unquote(name) for name in linked)):
        if file.is_file() and file.resolve().is_relative_to(ROOT):
            target = site / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def keep_plain(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are written to be read in a terminal; what reStructuredText would make of that is undone.

    Indented formulas keep their lines, |x| is a modulus and no substitution, literals may touch other characters, and
    neither a colon in the description of a constant nor a comma between two attributes' names sets off a type.
    """
    paragraphs = []
    for paragraph in "\n".join(lines).split("\n\n"):
        if paragraph.startswith("    "):
            paragraphs.append("::")
        elif not paragraph.startswith(">>>"):
            parts = paragraph.split("``")
            parts[::2] = [re.sub(r"\A(?=\w)", r"\\ ", part.replace("|", r"\|")) for part in parts[::2]]
            parts[0] = parts[0].removeprefix("\\ ")
            names = re.compile(r"^ +\w+(, \w+)+:", re.MULTILINE)
            paragraph = names.sub(lambda found: found[0].replace(", ", ","), "``".join(parts))
        paragraphs.append(paragraph)
    typed = what in ("attribute", "data", "property") and ":" in lines[0]
    lines[:] = "\n\n".join(["..", *paragraphs] if typed else paragraphs).split("\n")


_ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[~?(numpy|typing)\.(\w+)\]\]")

_ALIASED = re.compile(r"~?(?:[\w.]+\.)?TypeAliasForwardRef\(['\"]?([\w.]+)['\"]?\)")


def _alias(found: re.Match[str]) -> str:
    return "NDArray[Any]" if found[1] == "typing" else f"NDArray[np.{found[2]}]"


def short_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Arrays by their alias; of a configuration no signature, as its fields are in the docstring of its class."""
    if what == "class" and issubclass(obj, BaseModel):
        return "", None
    signature = signature and signature.replace("<factory>", "...")
    signature, returned = (text and _ALIASED.sub(r"\1", _ARRAY.sub(_alias, text)) for text in (signature, returned))
    return signature, returned


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Fields of a named tuple are in the docstring of its class."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def inline_formula(writer: Any, node: nodes.math) -> None:
    """A formula as MathML, which browsers show without a script from elsewhere."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def displayed_formula(writer: Any, node: nodes.math_block) -> None:
    """The same on lines of its own, which scroll where they are too long."""
    writer.body.append(f'<div style="overflow-x: auto">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the above: links before Sphinx collects downloads, docstrings before napoleon reads them."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    app.connect("doctree-read", link_outside, priority=100)
    app.connect("autodoc-process-docstring", keep_plain, priority=100)
    app.connect("autodoc-process-signature", short_signature)
    app.connect("autodoc-skip-member", skip)
