"""Cases of one file, by rule and kind. Cases of several files are in ``cases``."""

from tests.rules.tables import (
    dependencies,
    docstrings,
    effects,
    entrypoints,
    hubconf,
    meta,
    returns,
    weights,
)

TABLES: dict[str, dict[str, str]] = {
    code: cases
    for family in (dependencies, docstrings, effects, entrypoints, hubconf, meta, returns, weights)
    for code, cases in family.CASES.items()
}
