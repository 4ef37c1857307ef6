"""Presets of vendors as choices of movements.

One rule: what a preset says nothing of stays as it was chosen.
"""

from dataclasses import replace

from csk.definitions import Preset
from csk.money import AMOUNT_SCALE, minor_digits
from csk.tables.movements import Motion


def motion_under(motion: Motion, preset: Preset, currency: str) -> Motion:
    """Return how movements are told apart by a vendor.

    Amounts of contracts are rounded to the minor unit where the vendor does so and the currency
    is known; an empty `currency` is not.
    """
    options = preset.options
    minor = motion.minor
    if options.get("rounding") == "minor" and currency:
        minor = 10 ** (AMOUNT_SCALE - minor_digits(currency))
    return replace(
        motion,
        grain=str(options.get("grain", motion.grain)),
        grace_days=int(options.get("grace_days", motion.grace_days)),
        pause=str(options.get("pause", motion.pause)),
        week=float(options.get("week", motion.week)),
        day=float(options.get("day", motion.day)),
        minor=minor,
    )
