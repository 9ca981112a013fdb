"""HUB7xx: what loading a model does to the process and the machine besides."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit.rules.fixes import use_literal_eval, use_safe_load
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts, Severity, Use

_NETWORK = re.compile(
    r"(?:urllib\.request\.(?:urlopen|urlretrieve)|(?:requests|httpx)\.(?:get|post)"
    r"|torch\.hub\.(?:load|list|download_url_to_file|load_state_dict_from_url)"
    r"|torch\.utils\.model_zoo\.load_url|(?:gdown|wget)\.download"
    r"|huggingface_hub\.(?:hf_hub_download|snapshot_download))"
)
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
_PICKLES = re.compile(r"(?:pickle|dill|joblib|cloudpickle)\.loads?")


@rule("HUB701", "network-at-import", "error")
def network_at_import(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py downloads something.

    `torch.hub.list` and `torch.hub.help` import it too. They then need the network, take long, and
    fail behind a proxy, without anybody having asked for a model.

    Bad:
        _LABELS = requests.get("https://…/labels.txt").text

    Good:
        def unet(pretrained=False):
            labels = requests.get("https://…/labels.txt").text

    What stands under `if __name__ == "__main__":` does not count.
    """
    for use in _uses(repo, _NETWORK, on_import=True):
        yield network_at_import.finding(
            f"`{use.name}` runs when hubconf.py is imported, so torch.hub.list needs the network",
            use.location,
            hint="Move it into the entrypoint that needs it.",
        )


@rule("HUB702", "process-spawn", "error")
def process_spawn(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py, or calling an entrypoint, starts a program.

    A `pip install` changes the environment of whoever only wanted to list the models; a shell is
    absent on some machines and forbidden on others.

    Bad:
        subprocess.check_call([sys.executable, "-m", "pip", "install", "timm"])

    Good:
        dependencies = ["torch", "timm"]

    On import it is an error, in what an entrypoint calls a warning. Calls are followed as far as
    source tells whom they reach.
    """
    for use in _uses(repo, _PROCESS):
        when = "importing hubconf.py" if use.on_import else "calling an entrypoint"
        yield process_spawn.finding(
            f"{when} starts a program with `{use.name}`",
            use.location,
            hint="Declare what is needed in `dependencies`, and use Python for the rest.",
            severity="error" if use.on_import else "warning",
        )


@rule(
    "HUB703", "dynamic-code", "warning", preview=True, fixable="sometimes", applicability="unsafe"
)
def dynamic_code(repo: RepoFacts) -> Iterator[Finding]:
    """Text that is not in the source is run as code.

    What stands in a configuration file or an argument decides what runs on the user's machine, and no
    reader or tool can tell.

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
                hint="Use `ast.literal_eval`, a dict of functions or `getattr`.",
                fix=partial(use_literal_eval, repo, use),
            )


@rule(
    "HUB704",
    "unsafe-deserialise",
    "warning",
    preview=True,
    fixable="sometimes",
    applicability="safe",
)
def unsafe_deserialise(repo: RepoFacts) -> Iterator[Finding]:
    """Data is read in a format that can run code.

    `pickle`, `joblib`, `yaml.load` without a safe loader and `numpy.load(allow_pickle=True)` run
    whatever the file says. Who can replace the file runs code on the user's machine.

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
        yield unsafe_deserialise.finding(
            f"`{use.name}` runs whatever code the data holds",
            use.location,
            hint="Use `yaml.safe_load`, JSON, safetensors or `torch.load(weights_only=True)`.",
            fix=partial(use_safe_load, repo, use) if use.name == "yaml.load" else None,
        )


@rule("HUB705", "torch-global-state", "error")
def torch_global_state(repo: RepoFacts) -> Iterator[Finding]:
    """Loading a model changes how torch behaves for everything else.

    A seed that is set when the repo is imported gives users the same "random" numbers whatever seed
    they set; a default dtype, a gradient mode or a replaced function changes their own models.
    Thread counts, print options and backend flags change their speed and their output.

    Bad:
        torch.manual_seed(0)

        class Net(torch.nn.Module): ...

    Good:
        class Net(torch.nn.Module): ...

    Seeds, defaults, gradient mode and replaced functions of torch are errors on import, the rest
    warnings; in what an entrypoint calls everything is an info.
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
            yield torch_global_state.finding(
                f"{when} {'calls' if use.is_call else 'sets'} `{use.name}`, which changes the "
                "user's whole process",
                use.location,
                hint='Leave it to the user, or move it under `if __name__ == "__main__":`.',
                severity=severe if use.on_import else "info",
            )


@rule("HUB706", "process-global-state", "warning", preview=True)
def process_global_state(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py changes the process, or prints.

    Environment variables, warning filters, logging, the working directory and signal handlers belong
    to the program that loads the model. So does its output.

    Bad:
        warnings.filterwarnings("ignore")

    Good:
        with warnings.catch_warnings():
            ...

    `os.environ.setdefault` of a documented variable is fine.
    """
    for use in _uses(repo, _PROCESS_STATE, on_import=True):
        what = "prints" if use.name == "print" else f"changes the process with `{use.name}`"
        yield process_global_state.finding(
            f"importing hubconf.py {what}",
            use.location,
            hint="Leave it to the program that loads the model.",
        )


def _uses(repo: RepoFacts, names: re.Pattern[str], *, on_import: bool = False) -> Iterator[Use]:
    for use in repo.hubconf.uses if repo.hubconf else ():
        if names.fullmatch(use.name) and (use.on_import or not on_import):
            yield use
