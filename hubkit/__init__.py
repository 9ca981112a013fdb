"""hubkit: publish and consume PyTorch Hub models.

A drop-in for ``torch.hub``::

    import hubkit

    hubkit.list("owner/name:v1.0")
    print(hubkit.help("owner/name:v1.0", "unet"))
    model = hubkit.load("owner/name:v1.0", "unet", pretrained=True)

Publishers use the command line (``hubkit init``, ``hubkit check``) and ``pytest --hubconf``.
Names are imported when first used: ``import hubkit`` itself costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins

    from hubkit.errors import HubkitError
    from hubkit.hubdir import get_dir
    from hubkit.loader import (
        as_torch_hub,
        download_url_to_file,
        help,
        import_module,
        install_as_torch_hub,
        list,
        load,
        load_state_dict_from_url,
        modules_of,
        set_dir,
        uninstall_as_torch_hub,
    )

__version__ = "0.1.0"
__all__ = [
    "HubkitError",
    "__version__",
    "as_torch_hub",
    "download_url_to_file",
    "get_dir",
    "help",
    "import_module",
    "install_as_torch_hub",
    "list",
    "load",
    "load_state_dict_from_url",
    "modules_of",
    "set_dir",
    "uninstall_as_torch_hub",
]

_HOMES = {
    "errors": "HubkitError",
    "hubdir": "get_dir",
    "loader": (
        "as_torch_hub download_url_to_file help import_module install_as_torch_hub list load "
        "load_state_dict_from_url modules_of set_dir uninstall_as_torch_hub"
    ),
    # Names that libraries import from torch.hub though it does not document them.
    "loader.torch_names": (
        "DEFAULT_CACHE_DIR ENV_GITHUB_TOKEN ENV_TORCH_HOME ENV_XDG_CACHE_HOME HASH_REGEX HTTPError "
        "MAP_LOCATION MODULE_HUBCONF READ_DATA_CHUNK Request URLError VAR_DEPENDENCY _Faketqdm "
        "_PATH_SEP_PATTERN _TRUSTED_REPO_OWNERS _add_to_sys_path _check_dependencies "
        "_check_module_exists _check_repo_is_trusted _get_cache_or_reload _get_torch_home "
        "_git_archive_link _import_module _is_legacy_zip_format _legacy_zip_load "
        "_load_attr_from_module _load_entry_from_hubconf _load_local _parse_repo_info _read_url "
        "_remove_if_exists _safe_extract_zip _validate_not_a_forked_repo tqdm urlopen urlparse"
    ),
}


def __getattr__(name: str) -> object:
    from hubkit.lazy import lazy_names  # here, because `import hubkit` imports nothing

    return lazy_names(__name__, _HOMES)(name)


def __dir__() -> "builtins.list[str]":
    return __all__
