"""Fixed-point money: Int64 counts of 1/10,000 of the major unit, for every currency.

Rule: inside, money is a whole number of counts and its sums are exact; rounding to the
currency's minor unit happens on display only, half to even.
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

AMOUNT_SCALE: Final = 4
"""Decimals of the major unit that are held; the schema says the same, a test holds them equal."""

COUNTS_PER_UNIT: Final = 10**AMOUNT_SCALE
LARGEST_AMOUNT: Final = 9 * 10**14
"""Largest amount in major units that is held; its counts stay below 2**63."""

_DEFAULT_DIGITS: Final = 2
_WITHOUT_MINOR_UNIT: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR_DIGITS: Final = "CLF UYW"
_WITH_TWO_DIGITS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
    "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
    "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR "
    "ZMW ZWG"
)
_DIGITS: Final = {
    **dict.fromkeys(_WITH_TWO_DIGITS.split(), _DEFAULT_DIGITS),
    **dict.fromkeys(_WITHOUT_MINOR_UNIT.split(), 0),
    **dict.fromkeys(_WITH_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_WITH_FOUR_DIGITS.split(), 4),
}

CURRENCIES: Final = frozenset(_DIGITS)
"""ISO 4217 codes of money in use (funds included, metals and test codes not)."""

_SYMBOLS: Final = {
    "JPY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "KRW": "₩",
    "INR": "₹",
    "CNY": "CN¥",
    "BRL": "R$",
    "AUD": "A$",
    "CAD": "CA$",
    "HKD": "HK$",
    "NZD": "NZ$",
    "MXN": "MX$",
    "TWD": "NT$",
    "ILS": "₪",
    "VND": "₫",
    "PHP": "₱",
}


def minor_digits(currency: str) -> int:
    """Return the decimals of a currency's minor unit by ISO 4217: JPY 0, USD 2, BHD 3, CLF 4.

    Case does not matter; ValueError where the code is not one of `CURRENCIES`.
    """
    code = currency.strip().upper()
    if code not in CURRENCIES:
        raise ValueError(f"{currency!r} is not a currency code of ISO 4217")
    return _DIGITS[code]


def rounded(count: int, currency: str | None = None) -> Decimal:
    """Return the amount in major units, half to even, at the currency's minor digits.

    Without a currency: at two decimals, or at none where it is whole.
    """
    amount = Decimal(count).scaleb(-AMOUNT_SCALE)
    if currency is not None:
        digits = minor_digits(currency)
    else:
        digits = _DEFAULT_DIGITS if count % COUNTS_PER_UNIT else 0
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def displayed(count: int, currency: str | None = None) -> str:
    """Return an amount for people: `¥1,234,567`, `-$1,234.50`, `1,234.000 KWD`, `1,234`."""
    amount = rounded(count, currency)
    figures = f"{abs(amount):,f}"
    sign = "-" if amount < 0 else ""
    if currency is None:
        return sign + figures
    code = currency.strip().upper()
    symbol = _SYMBOLS.get(code)
    return f"{sign}{symbol}{figures}" if symbol else f"{sign}{figures} {code}"


def counts(amount: Decimal | str | int) -> int:
    """Return the counts of an amount in major units; ValueError where it is not exactly one.

    Floats are not taken: 0.1 is not a tenth.
    """
    try:
        exact = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount") from None
    if not exact.is_finite() or abs(exact) > LARGEST_AMOUNT:
        raise ValueError(f"{amount!r} is not an amount of at most {LARGEST_AMOUNT:,}")
    if not exact:
        return 0
    too_fine = f"{amount!r} has more than {AMOUNT_SCALE} decimals"
    if exact.adjusted() < -AMOUNT_SCALE:
        raise ValueError(too_fine)
    numerator, denominator = exact.as_integer_ratio()
    scaled, rest = divmod(numerator * COUNTS_PER_UNIT, denominator)
    if rest:
        raise ValueError(too_fine)
    return scaled


def split(count: int, shares: list[int]) -> list[int]:
    """Split `count` in proportion to `shares` into whole counts that sum to it exactly.

    Largest remainders get the odd counts, the earlier share first among equals. ValueError where
    a share is negative or all are zero.
    """
    whole = sum(shares)
    if whole <= 0 or min(shares) < 0:
        raise ValueError("shares must be >= 0 and not all zero")
    size, sign = abs(count), -1 if count < 0 else 1
    parts = [size * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: -(size * shares[i] % whole))
    for place in by_remainder[: size - sum(parts)]:
        parts[place] += 1
    return [sign * part for part in parts]
