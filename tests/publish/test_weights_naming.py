"""Hash names, held against the expression with which torch.hub finds the hash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.errors import UsageError
from hubkit.publish.weights import hash_name
from hubkit.rules.weights import hash_digits

SHA = "4f1c09ab" + "0" * 56


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unet.pth", "unet-4f1c09ab.pth"),
        ("model.pth.tar", "model-4f1c09ab.pth.tar"),
        ("unet", "unet-4f1c09ab.pth"),
        ("vit-b.16-in1k.pth", "vit-b_16-in1k-4f1c09ab.pth"),
        ("m-1.0.pt", "m-1_0-4f1c09ab.pt"),
        ("unet-20230415.pth", "unet-20230415-4f1c09ab.pth"),
        ("My Net (final).pth", "My_Net_final-4f1c09ab.pth"),
        ("größe.pth", "gr_e-4f1c09ab.pth"),
        (".pth", "pth-4f1c09ab.pth"),
        ("---.pt", "weights-4f1c09ab.pt"),
        ("unet-4f1c09ab.pth", "unet-4f1c09ab.pth"),
        ("unet-4f1c09ab00.pth", "unet-4f1c09ab00.pth"),
        ("unet-4F1C09AB.pth", "unet-4f1c09ab.pth"),
        ("b-1.x-4f1c09ab.pth", "b-1_x-4f1c09ab.pth"),
    ],
)
def test_a_name_gets_the_hash_where_torch_looks(name: str, expected: str) -> None:
    assert hash_name(name, SHA) == expected
    digits = hash_digits(expected)
    assert digits
    assert SHA.startswith(digits)


@given(st.text(min_size=1, max_size=30).filter(lambda text: "/" not in text))
def test_whatever_it_was_called_torch_finds_this_hash_first(name: str) -> None:
    made = hash_name(name.replace("-", "_"), SHA)
    assert hash_digits(made) == "4f1c09ab"
    assert made.isascii()
    assert not set(made) & set(' /\\?#%"')


def test_a_name_of_another_files_hash_is_refused() -> None:
    with pytest.raises(UsageError, match="contains the hash deadbeef") as caught:
        hash_name("unet-deadbeef.pth", SHA)
    assert "unet.pth" in caught.value.hint


@pytest.mark.parametrize("digits", [7, 65])
def test_a_hash_has_a_shortest_and_a_longest_form(digits: int) -> None:
    with pytest.raises(UsageError, match="8 to 64"):
        hash_name("unet.pth", SHA, digits)


def test_more_digits_can_be_asked_for() -> None:
    assert hash_name("unet.pth", SHA, 12) == "unet-4f1c09ab0000.pth"
    assert hash_name("unet-4f1c09ab.pth", SHA, 12) == "unet-4f1c09ab0000.pth"
