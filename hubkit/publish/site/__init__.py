"""A static site of a repo's models.

``catalog`` reads the repo into frozen values, ``markdown`` turns its model card into HTML, ``render``
makes the pages, and ``write`` puts them into a folder.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.publish.site.catalog import CatalogRequest, read_catalog
    from hubkit.publish.site.render import render_site
    from hubkit.publish.site.write import write_site

__all__ = ["CatalogRequest", "read_catalog", "render_site", "write_site"]

__getattr__ = lazy_names(
    __name__,
    {
        "catalog": "CatalogRequest read_catalog",
        "render": "render_site",
        "write": "write_site",
    },
)
