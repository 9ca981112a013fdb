"""What a card says of weights, from wherever it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.git_host import commit_files
from tests.publish.conftest import HUBCONF, REPO, hubkit, read

if TYPE_CHECKING:
    from pathlib import Path


def test_weights_that_reach_nobody_are_not_shown(repo: Path) -> None:
    commit_files(repo, {".gitignore": "*.pth\n"})
    hubkit("card", *REPO)
    assert "bundled.pth" in read(repo)  # tracked all the same
    (repo / "hubconf.py").write_text(HUBCONF.replace("bundled.pth", "local.pth"))
    (repo / "weights" / "local.pth").write_bytes(b"x")
    hubkit("card")
    assert "local.pth" not in read(repo)


def test_a_pointer_tells_what_it_points_to(repo: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n"
    commit_files(repo, {"weights/bundled.pth": pointer})
    hubkit("card", *REPO)
    assert f"12.3 kB | `{'ab' * 32}`" in read(repo)


def test_the_lock_file_tells_sizes_and_digests(repo: Path) -> None:
    url = "https://github.com/acme/nets/releases/download/v1.0/net-0123456789abcdef.pth"
    pin = f'{{"sha256": "{"0123456789abcdef" * 4}", "size": 2000000}}'
    lock = f'{{"version": 1, "repos": {{}}, "checkpoints": {{"{url}": {pin}}}}}'
    commit_files(repo, {"hubkit.lock": lock, "pyproject.toml": '[project]\nname = "nets"\n'})
    hubkit("card", *REPO)
    assert f"| 2.0 MB | `{'0123456789abcdef' * 4}` |" in read(repo)


def test_weights_from_urls_made_at_run_time_are_one_sentence(repo: Path) -> None:
    (repo / "pyproject.toml").unlink()
    made = HUBCONF.replace("_URL, map_location", "_URL + str(width), map_location")
    (repo / "hubconf.py").write_text(made)
    hubkit("card", *REPO)
    text = read(repo)
    assert "| `bundled` |" in text
    assert "\n\nMore weights are downloaded for `net` from URLs that the code computes.\n" in text
    many = "".join(
        f"def n{i}(pretrained=False):\n"
        "    return torch.hub.load_state_dict_from_url(f'{pretrained}')\n"
        for i in range(9)
    )
    (repo / "hubconf.py").write_text(f"import torch\n{many}")
    hubkit("card")
    names = "`n0`, `n1`, `n2`, `n3`, `n4`, `n5` and 3 more"
    expected = f"-->\nWeights are downloaded for {names} from URLs that the code computes.\n"
    assert expected in read(repo)
