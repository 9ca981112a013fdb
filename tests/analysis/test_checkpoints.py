from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hubkit.facts import CheckpointUse
    from tests.analysis.conftest import ReadHubconf

BASE = "https://example.org/weights"
URL = f"{BASE}/net-0123abcd.pth"


def only(read: ReadHubconf, source: str, files: dict[str, str] | None = None) -> CheckpointUse:
    (use,) = read(source, files).checkpoints
    return use


@pytest.mark.parametrize(
    ("source", "function"),
    [
        ("import torch\ntorch.hub.load_state_dict_from_url('u')", "torch.hub.load_state_dict_from_url"),
        ("from torch import hub as h\nh.download_url_to_file('u', 'f')", "torch.hub.download_url_to_file"),
        ("import torch.utils.model_zoo as zoo\nzoo.load_url('u')", "torch.utils.model_zoo.load_url"),
        ("from torch.hub import load_state_dict_from_url as _l\n_l('u')", "torch.hub.load_state_dict_from_url"),
        (
            """
            try:
                from torch.hub import load_state_dict_from_url as l
            except ImportError:
                from torch.utils.model_zoo import load_url as l
            l('u')
            """,
            "torch.hub.load_state_dict_from_url",
        ),
        (
            "from torchvision._internally_replaced_utils import load_state_dict_from_url as l\nl('u')",
            "torchvision._internally_replaced_utils.load_state_dict_from_url",
        ),
        (
            """
            def net():
                from torch.hub import load_state_dict_from_url
                return load_state_dict_from_url('u')
            """,
            "torch.hub.load_state_dict_from_url",
        ),
        ("from own import load_url as l\nl('u')", "torch.utils.model_zoo.load_url"),
    ],
)  # fmt: skip
def test_calls_are_known_under_any_name(read: ReadHubconf, source: str, function: str) -> None:
    use = only(read, source, {"own.py": "from torch.utils.model_zoo import load_url"})
    assert (use.function, use.url) == (function, "u")


def test_the_repos_own_function_of_that_name_is_not_a_download(read: ReadHubconf) -> None:
    assert (
        read(
            "from own import load_url\nload_url('u')", {"own.py": "def load_url(u): ..."}
        ).checkpoints
        == ()
    )


@pytest.mark.parametrize(
    "expression",
    [
        f"'{URL}'",
        f"'{BASE}' '/net-0123abcd.pth'",
        "_BASE + '/net-0123abcd.pth'",
        "f'{_BASE}/net-{_HASH}.pth'",
        "'{}/net-{}.pth'.format(_BASE, _HASH)",
        "'{1}/net-{0}.pth'.format(_HASH, _BASE)",
        "'{base}/net-{h}.pth'.format(base=_BASE, h=_HASH)",
        "'%s/net-%s.pth' % (_BASE, _HASH)",
        "'%(b)s/net-0123abcd.pth' % {'b': _BASE}",
        "_URLS['net']",
        "_URLS.get('net')",
        "_NESTED['small']['url']",
        "_LIST[1]",
        "urls.NET",
        "urls.TABLE['net']",
        "_imported",
        "local",
        "'/'.join([_BASE, 'net-0123abcd.pth'])",
    ],
)
def test_urls_put_together_from_constants(read: ReadHubconf, expression: str) -> None:
    source = f"""
from torch.hub import load_state_dict_from_url as _load
import urls
from urls import NET as _imported
_BASE = "{BASE}"
_HASH = "0123abcd"
_URLS = {{"net": _BASE + "/net-0123abcd.pth"}}
_NESTED = {{"small": dict(url=_URLS["net"])}}
_LIST = ["", "{URL}"]
def net():
    local = _URLS["net"]
    return _load({expression})
"""
    files = {"urls.py": f'_B = "{BASE}"\nNET = _B + "/net-0123abcd.pth"\nTABLE = {{"net": NET}}\n'}
    assert only(read, source, files).url == URL


@pytest.mark.parametrize(
    "expression",
    [
        "url",
        "_URLS['missing']",
        "f'{url}.pth'",
        "f'{_X!r}'",
        "'%d9999999999' % url",
        "'%9999999999s' % _X",
        "'{:>9999999999}'.format(_X)",
        "'{0.__class__}'.format(_X)",
        "'{}'.format()",
        "_SELF",
        "_GROWS",
        "[][0]",
    ],
)
def test_urls_that_source_does_not_tell(read: ReadHubconf, expression: str) -> None:
    growing = "\n".join(f"_G{n + 1} = _G{n} + _G{n}" for n in range(30))
    source = f"""
import torch
_X = "x"
_SELF = _SELF
_URLS = {{"net": "u", "large": "v"}}
_G0 = "xxxxxxxxxx"
{growing}
_GROWS = _G20
def net(url):
    return torch.hub.load_state_dict_from_url({expression})
"""
    assert only(read, source).url is None


def test_arguments_are_named_whether_given_by_position_or_not(read: ReadHubconf) -> None:
    use = only(
        read,
        "import torch\ntorch.hub.load_state_dict_from_url('u', None, 'cpu', check_hash=True,"
        " file_name='net.pth', weights_only=False, **more)",
    )
    assert use.arguments == {
        "url", "model_dir", "map_location", "check_hash", "file_name", "weights_only"
    }  # fmt: skip
    assert (use.check_hash, use.weights_only, use.file_name) == (True, False, "net.pth")
    assert use.forwards_keywords
    assert (use.location.line, use.location.column) == (2, 1)


def test_downloads_in_reach_count(read: ReadHubconf) -> None:
    hubconf = read(
        "from zoo.net import net",
        {
            "zoo/net.py": "import torch\nclass A:\n    def f(self):\n"
            "        torch.hub.load_state_dict_from_url('u', check_hash=self.x)\n"
            "def net():\n    return A()",
            "zoo/far.py": "import torch\ntorch.hub.load_state_dict_from_url('v')",
        },
    )
    (use,) = hubconf.checkpoints
    assert (use.url, use.check_hash, use.location.path) == ("u", None, "zoo/net.py")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("_URLS[url]", ["a", "b"]),
        ("_URLS.get(url, 'https://h/c')", ["a", "b", "c"]),
        ("f'https://h/{_NAMES[url]}'", ["a", "b"]),
        ("_URLS['small'] if url else 'https://h/c'", ["a", "c"]),
        ("_URLS[url] if url else None", ["a", "b"]),
        ("_URLS[url] if url else 1", [None]),
    ],
)
def test_each_possible_url_is_a_use(
    read: ReadHubconf, expression: str, names: list[str | None]
) -> None:
    source = f"""
    import torch
    _URLS = {{"small": "https://h/a", "large": "https://h/b"}}
    _NAMES = ["a", "b"]
    def net(url):
        return torch.hub.load_state_dict_from_url({expression})
    """
    found = [use.url for use in read(source).checkpoints]
    assert found == [name and f"https://h/{name}" for name in names]
