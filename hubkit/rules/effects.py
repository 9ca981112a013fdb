"""HUB7xx: side effects of loading a model."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit.rules.fixes import use_literal_eval, use_safe_load
from hubkit.rules.registry import rule
from hubkit.source import normalize
from hubkit.source.project import find_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts, Severity, Use

_NETWORK = re.compile(
    r"(?:urllib\.request\.(?:urlopen|urlretrieve)|(?:requests|httpx)\.(?:get|post)"
    r"|torch\.hub\.(?:load|list|download_url_to_file|load_state_dict_from_url)"
    r"|torch\.utils\.model_zoo\.load_url|(?:gdown|wget)\.download"
    r"|huggingface_hub\.(?:hf_hub_download|snapshot_download))"
)
_DATASETS = re.compile(r"torch(?:vision|audio|text)\.datasets\.\w+")
_PROCESS = re.compile(
    r"(?:os\.(?:system|popen|exec\w+|spawn\w+)"
    r"|subprocess\.(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput)|pip\.main"
    r"|setuptools\.sandbox\.run_setup)"
)
_RESULTS = re.compile(
    r"(?:torch\.(?:manual_seed|seed|set_default_\w+|set_grad_enabled)"
    r"|torch\.cuda\.manual_seed(?:_all)?|random\.seed|numpy\.random\.seed)"
)
_TORCH_STATE = re.compile(
    r"(?:torch\.(?:set_(?:num_threads|num_interop_threads|printoptions|float32_matmul_precision)"
    r"|use_deterministic_algorithms|autograd\.set_detect_anomaly|serialization\.add_safe_globals"
    r"|multiprocessing\.set_(?:start_method|sharing_strategy))|numpy\.set_printoptions)"
)
_PROCESS_STATE = re.compile(
    r"(?:os\.(?:environ(?:\.update)?|putenv|chdir)|warnings\.(?:filterwarnings|simplefilter)"
    r"|logging\.basicConfig|matplotlib\.use|signal\.signal|locale\.setlocale"
    r"|sys\.setrecursionlimit|multiprocessing\.set_start_method|cv2\.setNumThreads|print)"
)
_ARGUMENTS = re.compile(r"argparse\.ArgumentParser\.parse_(?:known_)?args|sys\.argv")
_METADATA = re.compile(
    r"importlib[._]metadata\.(?:version|distribution|metadata|requires|files)"
    r"|pkg_resources\.(?:get_distribution|require)"
)
_PICKLES = re.compile(r"(?:pickle|dill|joblib|cloudpickle)\.loads?")


@rule("HUB701", "network-at-import", "error")
def network_at_import(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py downloads something.

    `torch.hub.list` and `torch.hub.help` import hubconf.py too. They then need the network, are
    slow, and fail behind a proxy.

    Bad:
        _LABELS = requests.get("https://…/labels.txt").text

    Good:
        def unet(pretrained=False):
            labels = requests.get("https://…/labels.txt").text

    Datasets count if they are created with `download=True`. Code under
    `if __name__ == "__main__":` is not reported.
    """
    sets = _uses(repo, _DATASETS, on_import=True)
    fetched = [use for use in sets if use.keyword("download") == "True"]
    for use in (*_uses(repo, _NETWORK, on_import=True), *fetched):
        yield network_at_import.finding(
            f"importing hubconf.py calls `{use.name}`, so torch.hub.list needs the network",
            use.location,
            hint="Move it into the entrypoint that needs it.",
        )


@rule(
    "HUB702",
    "process-spawn",
    "error",
    several="{count} places start a process",
)
def process_spawn(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py, or calling an entrypoint, starts a process.

    A `pip install` changes the environment of users who only list the models. A shell may be
    missing or forbidden.

    Bad:
        subprocess.check_call([sys.executable, "-m", "pip", "install", "timm"])

    Good:
        dependencies = ["torch", "timm"]

    The severity is error on import, and warning in functions that entrypoints call. Calls are
    followed as far as they can be resolved from the source.
    """
    for use in _uses(repo, _PROCESS):
        when = "importing hubconf.py" if use.on_import else "calling an entrypoint"
        yield process_spawn.finding(
            f"{when} starts a process with `{use.name}`",
            use.location,
            hint="Declare requirements in `dependencies`, and replace the process with Python code.",
            severity="error" if use.on_import else "warning",
        )


@rule(
    "HUB703", "dynamic-code", "warning", preview=True, fixable="sometimes", applicability="unsafe"
)
def dynamic_code(repo: RepoFacts) -> Iterator[Finding]:
    """Text is run as code.

    A configuration file or an argument determines which code runs on the user's machine. Neither
    readers nor tools can check it.

    Bad:
        sizes = eval(config["sizes"])

    Good:
        sizes = ast.literal_eval(config["sizes"])
    """
    for use in _uses(repo, re.compile("eval|exec")):
        if not use.arguments or use.arguments[0] is None:
            yield dynamic_code.finding(
                f"`{use.name}` runs text as code",
                use.location,
                hint="Use `ast.literal_eval`, a dict of functions, or `getattr`.",
                fix=partial(use_literal_eval, repo, use),
            )


@rule(
    "HUB704",
    "unsafe-deserialize",
    "warning",
    preview=True,
    fixable="sometimes",
    applicability="safe",
)
def unsafe_deserialize(repo: RepoFacts) -> Iterator[Finding]:
    """Data is read in a format that can run code.

    `pickle`, `joblib`, `yaml.load` without a safe loader and `numpy.load(allow_pickle=True)` can
    run any code. Anyone who can replace the file can run code on the user's machine.

    Bad:
        config = yaml.load(stream)

    Good:
        config = yaml.safe_load(stream)
    """
    for use in _uses(repo, re.compile(r"yaml\.load|numpy\.load|" + _PICKLES.pattern)):
        is_safe_yaml = "Safe" in (use.keyword("Loader") or "") or len(use.arguments) > 1
        if use.name == "yaml.load" and is_safe_yaml:
            continue
        if use.name == "numpy.load" and use.keyword("allow_pickle") != "True":
            continue
        yield unsafe_deserialize.finding(
            f"`{use.name}` can run any code that the data contains",
            use.location,
            hint="Use `yaml.safe_load`, JSON, safetensors, or `torch.load(weights_only=True)`.",
            fix=partial(use_safe_load, repo, use) if use.name == "yaml.load" else None,
        )


@rule("HUB705", "torch-global-state", "error")
def torch_global_state(repo: RepoFacts) -> Iterator[Finding]:
    """Loading a model changes global state of torch.

    A seed that is set on import overrides the user's seed. A default dtype, a gradient mode or a
    replaced function changes the user's own models. Thread counts, print options and backend flags
    change speed and output.

    Bad:
        torch.manual_seed(0)

        class Net(torch.nn.Module): ...

    Good:
        class Net(torch.nn.Module): ...

    On import, the severity is error for seeds, defaults, gradient mode and replaced functions of
    torch, and warning for the rest. A module that an entrypoint imports counts for seeds and
    defaults. In functions that entrypoints call, the severity is info.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        is_flag = not use.is_call and use.name.startswith("torch.backends.")
        is_patch = not use.is_call and use.name.startswith("torch.") and not is_flag
        if not use.is_call and not (is_flag or is_patch):
            continue
        changes_results = bool(_RESULTS.fullmatch(use.name)) or is_patch
        if changes_results or is_flag or _TORCH_STATE.fullmatch(use.name):
            severe: Severity = "error" if changes_results else "warning"
            when = "importing hubconf.py" if use.on_import else "calling an entrypoint"
            if use.on_late_import:
                when = "importing this module, which an entrypoint does,"
            yield torch_global_state.finding(
                f"{when} {'calls' if use.is_call else 'sets'} `{use.name}`, which changes global state "
                f"of {use.name.partition('.')[0]}",
                use.location,
                hint='Remove it, or move it under `if __name__ == "__main__":`.',
                severity=severe if use.on_import or use.on_late_import else "info",
            )


@rule("HUB706", "process-global-state", "warning", preview=True)
def process_global_state(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py changes global state of the process, or prints.

    Environment variables, warning filters, logging, the working directory, signal handlers and
    standard output belong to the program that loads the model.

    Bad:
        warnings.filterwarnings("ignore")

    Good:
        with warnings.catch_warnings():
            ...

    `os.environ.setdefault` is not reported.
    """
    for use in _uses(repo, _PROCESS_STATE, on_import=True):
        what = "prints" if use.name == "print" else f"changes global state with `{use.name}`"
        yield process_global_state.finding(
            f"importing hubconf.py {what}",
            use.location,
            hint="Remove it, or move it to the program that loads the model.",
        )


@rule("HUB707", "command-line-arguments", "error")
def command_line_arguments(repo: RepoFacts) -> Iterator[Finding]:
    """Loading a model reads the command line of the program that loads it.

    `sys.argv` belongs to that program. argparse does not know its options, prints an error, and
    exits the whole process. Tests pass because their command line happens to be empty.

    Bad:
        _OPTIONS = parser.parse_args()

    Good:
        def unet(width=64):
            options = parser.parse_args(["--width", str(width)])

    The severity is warning for code that only a call of an entrypoint reaches. Code under
    `if __name__ == "__main__":` and `sys.argv[0]` are not reported.
    """
    for use in _uses(repo, _ARGUMENTS):
        when = "importing hubconf.py" if use.on_import else "calling an entrypoint"
        yield command_line_arguments.finding(
            f"{when} reads `sys.argv`, the command line of the user's program"
            + (f", with `{use.name.rpartition('.')[2]}()`" if use.is_call else ""),
            use.location,
            hint="Take the options as parameters, or pass a list of arguments.",
            severity="error" if use.on_import else "warning",
        )


@rule("HUB708", "own-metadata", "error")
def own_metadata(repo: RepoFacts) -> Iterator[Finding]:
    """The repo looks up the metadata of its own installation.

    torch.hub downloads the source and installs nothing, so there is no metadata, and the lookup
    raises PackageNotFoundError. On the author's machine, `pip install -e .` has created it.

    Bad:
        __version__ = version("acme-unet")

    Good:
        try:
            __version__ = version("acme-unet")
        except PackageNotFoundError:
            __version__ = "unknown"

    The name of the distribution is taken from pyproject.toml, setup.cfg or setup.py, and from the
    packages of the repo. The severity is warning for code that only a call of an entrypoint
    reaches.
    """
    uses = [use for use in _uses(repo, _METADATA) if use.arguments and not use.guarded]
    own = (*repo.packages, *find_names(repo.files)) if uses else ()
    names = {normalize(name) for name in own if name}
    for use in uses:
        asked = use.arguments[0] or ""
        if normalize(asked) in names:
            when = "importing hubconf.py" if use.on_import else "calling an entrypoint"
            yield own_metadata.finding(
                f"{when} looks up metadata of `{asked}`, which torch.hub does not install",
                use.location,
                hint="Catch PackageNotFoundError, or write the value into the source.",
                severity="error" if use.on_import else "warning",
            )


def _uses(repo: RepoFacts, names: re.Pattern[str], *, on_import: bool = False) -> Iterator[Use]:
    for use in repo.hubconf.uses if repo.hubconf else ():
        if names.fullmatch(use.name) and (use.on_import or not on_import):
            yield use
