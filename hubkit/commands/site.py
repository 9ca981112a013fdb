"""``hubkit site``: write a static site of a repo's models."""

from __future__ import annotations

from pathlib import Path

import click

from hubkit._util.console import echo, note
from hubkit._util.text import plural
from hubkit.commands.base import print_answer, subcommand


@subcommand(answers=True)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the site. It must be new, empty, or made by this command.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Conformance report (JSON).  [default: conformance.json in PATH, if it exists]",
)
@click.option(
    "--repo",
    "name",
    metavar="OWNER/NAME",
    default="",
    help="Name of the repo on GitHub, or its URL on another host.",
)
@click.option("--force", is_flag=True, help="Write into a folder that hubkit did not make.")
def command(
    path: Path, folder: Path, report: Path | None, name: str, *, force: bool, as_json: bool
) -> None:
    """Write a static site of a repo's models.

    The site has a table of all models, with search and filters, and a page for each model: code
    that loads it, its signature, help, weights, and the results of a conformance report. It shows
    the commit that is checked out. No code of the repo is run.
    """
    from hubkit.commands.target import require_folder
    from hubkit.publish.site import CatalogRequest, read_catalog, render_site, write_site

    require_folder(path)
    catalog = read_catalog(CatalogRequest(path, name, report))
    files = render_site(catalog)
    write_site(folder, files, force=force)
    if as_json:
        place = catalog.place
        fields = {"repo": place.name, "commit": place.sha, "tag": place.tag}
        print_answer({**fields, "path": folder, "files": sorted(files)})
    if catalog.uncommitted:
        changed = plural(catalog.uncommitted, "file")
        echo(f"The site shows the last commit, without the changes in {changed}.", err=True)
    if catalog.report is None:
        note(
            "There are no measurements. To add them, run: hubkit conform --report conformance.json"
        )
    elif not catalog.is_of_report:
        echo("The conformance report is about another commit.", err=True)
    models = plural(len(catalog.models), "model")
    note(f"Wrote {folder / 'index.html'}: {models} of {catalog.place.pinned}.", err=False)
