"""Render the pages of a site: an index, and one page a model."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import __version__
from hubkit._util.text import format_size, plural
from hubkit.analysis import render_docstring
from hubkit.conformance.render import format_bytes, format_count, format_level, format_seconds
from hubkit.facts import LEVELS
from hubkit.pages import Bar, Point, bars, render_page, scatter
from hubkit.publish.card_sections import Loading, write_usage
from hubkit.publish.site.markdown import make_address, render_markdown
from hubkit.publish.site.write import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.facts import CaseResult
    from hubkit.pages import Svg
    from hubkit.publish.card_facts import Checkpoint
    from hubkit.publish.site.catalog import Catalog, Model

SCHEMA = 1
_TEMPLATE = Path(__file__).with_name("site.html.jinja")
_SIZES = ((0, "below 10 M"), (10**7, "10 to 100 M"), (10**8, "100 M and more"))
_MOST_BARS = 20
_WITH_WEIGHTS = "with weights"
_WIDTH = 60  # of code beside something else
# Words above the parameters in a docstring.
_HEADS = frozenset({"args", "arguments", "parameters", "params", "optional", "default", "defaults"})
# Names of files that Windows keeps for devices.
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{a}{n}" for a in ("com", "lpt") for n in range(10))}
)


class Row(Struct, frozen=True):
    """A model as the pages show it; texts are empty where something is unknown.

    Attributes:
        model: The model.
        file: The name of its page, without the folder.
        count: The number of parameters.
        share: Its share of the largest number, from 0 to 1.
        size: The size of its weights.
        seconds: The time of a run.
        memory: The memory that it takes.
        level: The conformance level.
        tone: The color of the level.
        group: The group of sizes that it belongs to.
        weights: Whether it has weights, as the filter calls it.
        kind: What it is if it is no model, such as "transform".
        own_needs: What it needs, and not all of the others.
        install: The command that installs what it needs.
        snippets: Pairs of a title and code that loads it.
    """

    model: Model
    file: str
    count: str
    share: float
    size: str
    seconds: str
    memory: str
    level: str
    tone: str
    group: str
    weights: str
    kind: str
    own_needs: tuple[str, ...]
    install: str
    snippets: tuple[tuple[str, str], ...]


class Level(Struct, frozen=True):
    """A level of the conformance suite, as one case reached it."""

    title: str
    text: str
    tone: str


class Case(Struct, frozen=True):
    """A case of a model in the conformance report."""

    result: CaseResult
    levels: tuple[Level, ...]
    problems: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]


def render_site(catalog: Catalog) -> dict[str, str]:
    """Render the files of a site, by path."""
    rows = _make_rows(catalog)
    files = {"index.html": _render_index(catalog, rows)}
    for before, row, after in zip([None, *rows], rows, [*rows[1:], None], strict=False):
        files[f"models/{row.file}"] = _render_model(catalog, row, before, after)
    files[".nojekyll"] = ""  # so that GitHub Pages serves the files as they are
    files[INDEX] = _render_list(catalog, rows, [*files, INDEX])
    return files


def _make_rows(catalog: Catalog) -> tuple[Row, ...]:
    most = max((one.count or 0 for one in catalog.models), default=0)
    shared = _shared_needs(catalog.models)
    files = name_files([one.name for one in catalog.models])
    return tuple(
        Row(
            model=one,
            file=file,
            count=format_count(one.count),
            share=(one.count or 0) / most if most else 0,
            size=format_bytes(one.weights_bytes),
            seconds=format_seconds(one.seconds),
            memory=format_bytes(one.memory),
            level="" if one.level is None else str(one.level or "none"),
            tone=("bad", "warn", "info", "good")[one.level or 0],
            group=_group(one.count),
            weights=_WITH_WEIGHTS if one.has_weights else "",
            kind="" if one.kind == "model" else one.kind,
            own_needs=tuple(name for name in one.needs if name not in shared),
            install=_install(catalog, one),
            snippets=_write_snippets(catalog, one),
        )
        for one, file in zip(catalog.models, files, strict=True)
    )


def name_files(names: Sequence[str]) -> list[str]:
    """A file name for each model that every system and host accepts, and that no other one has."""
    taken: set[str] = set()
    files = []
    for number, name in enumerate(names, 1):
        plain = name if name.isascii() and name.lower() not in _DEVICES else f"model-{number}"
        if plain.lower() in taken:
            plain = f"{plain}-{number}"
        taken.add(plain.lower())
        files.append(f"{plain}.html")
    return files


def _shared_needs(models: Sequence[Model]) -> frozenset[str]:
    """What all models need."""
    needs = [frozenset(one.needs) for one in models]
    return needs[0].intersection(*needs) if needs else frozenset()


def _install(catalog: Catalog, model: Model) -> str:
    packages = dict.fromkeys([*catalog.facts.packages, *model.needs])
    return f"pip install {shlex.join(packages)}" if packages else ""


def _group(count: int | None) -> str:
    return "" if count is None else [text for least, text in _SIZES if count >= least][-1]


def _write_snippets(catalog: Catalog, model: Model) -> tuple[tuple[str, str], ...]:
    """Code that loads a model from the tag or commit, with torch.hub and with hubkit."""
    place, snippets = catalog.place, []
    if place.is_on_github:
        # torch.hub looks a commit up among the latest of each branch only.
        options: dict[str, object] = {} if place.tag or not place.sha else {"skip_validation": True}
        snippets.append(("torch.hub", Loading("torch.hub", place.pinned, options, _WIDTH)))
    snippets.append(("hubkit", Loading("hubkit", place.pinned, width=_WIDTH)))
    written = ((title, write_usage(catalog.facts, model.entry, how)) for title, how in snippets)
    known = tuple((title, code) for title, code in written if code)
    help_ = f'import hubkit\n\nprint(hubkit.help("{place.pinned}", "{model.name}"))'
    return known or (("hubkit", help_),)


def _render_index(catalog: Catalog, rows: Sequence[Row]) -> str:
    place, facts = catalog.place, catalog.facts
    first = next((row for row in rows if row.model.has_weights), rows[0] if rows else None)
    return render_page(
        _TEMPLATE,
        {
            "page": "index.html",
            "catalog": catalog,
            "place": place,
            "facts": facts,
            "rows": rows,
            "first": first,
            "tiles": _make_tiles(catalog),
            "filters": _make_filters(rows),
            "columns": {name for row in rows for name in _COLUMNS if getattr(row, name)},
            "plots": _draw(rows),
            "card": _render_card(catalog),
            "problems": _find_problems(catalog.report.whole) if catalog.report else (),
        },
        title=place.name,
    )


_COLUMNS = ("count", "own_needs", "seconds", "memory", "level")


def _make_tiles(catalog: Catalog) -> list[tuple[str, str, str]]:
    """Numbers at the head of the page: value, label and tone."""
    models = catalog.models
    counts = [one.count for one in models if one.count]
    sizes = [one.weights_bytes or 0 for one in models]
    tiles = [(str(len(models)), "model" if len(models) == 1 else "models", "plain")]
    with_weights = sum(one.has_weights for one in models)
    if with_weights:
        tiles.append((str(with_weights), "with weights", "plain"))
    if counts:
        tiles.append((format_count(max(counts)), "parameters of the largest", "plain"))
    if any(sizes):
        tiles.append((format_bytes(max(sizes)), "largest weights", "plain"))
    if catalog.report:
        level = catalog.report.level
        tone = ("bad", "warn", "info", "good")[level]
        tiles.append((f"{level} of {len(LEVELS)}" if level else "none", "conformance level", tone))
    return tiles


def _make_filters(rows: Sequence[Row]) -> list[tuple[str, str, list[str]]]:
    """Filters by which models differ."""
    found = [
        ("weights", "", [_WITH_WEIGHTS] if len({row.weights for row in rows}) > 1 else []),
        ("kind", "Kind", sorted({row.model.kind for row in rows})),
        ("size", "Size", [text for _, text in _SIZES if any(row.group == text for row in rows)]),
        ("level", "Level", sorted({row.level for row in rows} - {""})),
        ("needs", "Needs", sorted({one for row in rows for one in row.own_needs})),
    ]
    return [one for one in found if len(one[2]) > 1 or (one[0] in ("weights", "needs") and one[2])]


def _draw(rows: Sequence[Row]) -> list[tuple[str, Svg]]:
    """Plots with their titles: parameters against time, else the sizes."""
    points = [
        Point(
            row.model.name,
            row.model.count,
            row.model.seconds,
            row.count,
            row.seconds,
            f"#model-{row.model.name}",
        )
        for row in rows
        if row.model.count and row.model.seconds
    ]
    if len(points) > 1:
        return [("Parameters and time", scatter(points, "parameters", "time of a run"))]
    counts = [Bar(row.model.name, row.model.count or 0, row.count) for row in rows]
    sizes = [Bar(row.model.name, row.model.weights_bytes or 0, row.size) for row in rows]
    return [*_draw_bars("Parameters", counts), *_draw_bars("Size of the weights", sizes)]


def _draw_bars(title: str, found: Iterable[Bar]) -> Iterable[tuple[str, Svg]]:
    """A plot of known values, the largest first, if there are several."""
    known = sorted((one for one in found if one.value), key=lambda one: -one.value)
    if len(known) > 1:
        shown = [one._replace(href=f"#model-{one.label}") for one in known[:_MOST_BARS]]
        more = f": the {_MOST_BARS} largest" if len(known) > _MOST_BARS else ""
        yield title + more, bars(shown, title)


def _render_card(catalog: Catalog) -> str:
    address = make_address(catalog.place.url_of, catalog.card)
    return render_markdown(catalog.card_text, address) if catalog.card_text.strip() else ""


def _render_model(catalog: Catalog, row: Row, before: Row | None, after: Row | None) -> str:
    model = row.model
    definition = model.entry.definition
    return render_page(
        _TEMPLATE,
        {
            "page": "model.html",
            "catalog": catalog,
            "place": catalog.place,
            "facts": catalog.facts,
            "row": row,
            "model": model,
            "help": _render_help(model),
            "source": catalog.place.url_of(definition.path, definition.line),
            "where": f"{definition.path}, line {definition.line}",
            "checkpoints": [_describe_file(catalog, one) for one in model.checkpoints],
            "is_listed": any(one.name or one.path or one.sha256 for one in model.checkpoints),
            "cases": [_describe_case(one) for one in model.cases],
            "before": before,
            "after": after,
        },
        title=f"{model.name} · {catalog.place.name}",
    )


def _render_help(model: Model) -> str:
    """The docstring, if it says more than the summary and the parameters do."""
    text = model.entry.docstring or ""
    known = [model.summary, *(f"{one.name} {one.type} {one.text}" for one in model.parameters)]
    more = set(re.findall(r"\w+", text)) - set(re.findall(r"\w+", " ".join(known)))
    return render_docstring(text) if {word.lower() for word in more} - _HEADS else ""


class WeightsRow(Struct, frozen=True):
    """A checkpoint as the page shows it."""

    name: str
    url: str
    place: str
    size: str
    sha256: str


def _describe_file(catalog: Catalog, one: Checkpoint) -> WeightsRow:
    url = one.url or (catalog.place.url_of(one.path) if one.path else "")
    place = "in the repo" if one.path else "" if one.url else "from a URL that the code computes"
    size = "" if one.size is None else format_size(one.size)
    return WeightsRow(one.path or one.name, url, place, size, one.sha256)


def _describe_case(case: CaseResult) -> Case:
    tones = {"reached": "good", "exceptions": "warn", "failed": "bad", "nothing": "good"}
    levels = tuple(
        Level(f"Level {level}", format_level(case, level), tones.get(case.verdict(level), "plain"))
        for level in LEVELS
    )
    return Case(case, levels, _find_problems(case), tuple(_case_facts(case)))


def _find_problems(case: CaseResult) -> tuple[tuple[str, str, str], ...]:
    """Failures and expected failures: title, color and reason."""
    return tuple(
        (f"{one.code} {one.name}", "bad" if one.outcome == "failed" else "warn", one.reason)
        for one in case.checks
        if one.outcome in ("failed", "expected")
    )


def _case_facts(case: CaseResult) -> Iterable[tuple[str, str]]:
    measured, weights = case.measured, case.weights
    yield "Call", case.call
    yield "Input", case.input
    yield "Parameters", "" if measured.parameters is None else f"{measured.parameters:,}"
    yield "Building it", format_seconds(measured.load_seconds)
    yield "Forward", format_seconds(measured.forward_seconds)
    yield "Memory", format_bytes(measured.memory_bytes)
    if weights is not None:
        filled = plural(weights.filled, "parameter") if weights.filled else ""
        yield "Weights", f"{weights.verdict}{f', {filled} filled' if filled else ''}"
    yield "Supports", ", ".join(one.name for one in case.supported)
    yield "Does not support", ", ".join(one.name for one in case.unsupported)


def _render_list(catalog: Catalog, rows: Sequence[Row], files: Sequence[str]) -> str:
    """The models for other programs, and the files of the site."""
    place = catalog.place
    document = {
        "schema": SCHEMA,
        "generator": "hubkit site",
        "hubkit": __version__,
        "repo": place.name,
        "commit": place.sha or None,
        "tag": place.tag or None,
        "models": [
            {
                "name": row.model.name,
                "page": f"models/{row.file}",
                "summary": row.model.summary,
                "signature": row.model.signature,
                "parameters": row.model.count,
                "weights_bytes": row.model.weights_bytes,
                "forward_seconds": row.model.seconds,
                "memory_bytes": row.model.memory,
                "level": row.model.level,
                "has_weights": row.model.has_weights,
                "needs": list(row.model.needs),
            }
            for row in rows
        ],
        "files": sorted(files),
    }
    return json.dumps(document, indent=2) + "\n"
