"""Colours from a number: the same number gives the same picture everywhere."""

import colorsys

RGB = tuple[int, int, int]


def colour(variant: int, step: int) -> RGB:
    """Step 0 is the dark ground, higher steps are brighter neighbours of its hue."""
    hue = (variant * 0.618034 + step * 0.06) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, min(0.85, 0.22 + 0.16 * step), 0.55)
    return round(red * 255), round(green * 255), round(blue * 255)
