"""Drawings of circles, squares and triangles, generated on the fly."""

import math

import torch

CLASSES = ("circle", "square", "triangle")
SIZE = 32

# The corners of each class (none for the circle), and the radius of its inscribed circle if it has
# the area of a circle of radius 1. All classes have the same areas, so size is no clue.
_CORNERS = torch.tensor([0.0, 4.0, 3.0])
_INSCRIBED = torch.tensor([1.0, 0.8862, 0.7776])


def draw(
    count: int, generator: torch.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw noisy shapes of random kind, position, size, rotation and brightness.

    Args:
        count: Number of images.
        generator: Random number generator; None for the global one.

    Returns:
        Images (count, 1, 32, 32) in [0, 1] and their class indices (count,).
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    labels = torch.randint(len(CLASSES), (count,), generator=generator)
    axis = torch.arange(SIZE) - (SIZE - 1) / 2
    across, down = axis - uniform(-4, 4), axis[:, None] - uniform(-4, 4)
    radius, angle = torch.hypot(across, down), torch.atan2(down, across)

    # Distance from the center, perpendicular to the nearest side.
    corners = _CORNERS[labels].view(-1, 1, 1)
    sector = 2 * math.pi / corners.clamp(min=1)
    turned = (angle + uniform(0, 2 * math.pi)) % sector - sector / 2
    distance = torch.where(corners > 0, radius * turned.cos(), radius)

    edge = _INSCRIBED[labels].view(-1, 1, 1) * uniform(5, 10)
    shapes = uniform(0.5, 1) * torch.sigmoid(4 * (edge - distance))
    noise = torch.randn(count, SIZE, SIZE, generator=generator)
    images = (shapes + uniform(0, 0.15) * noise).clamp(0, 1)
    return images.unsqueeze(1), labels
