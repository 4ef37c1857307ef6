"""Customers found in a simulated shop: how many pairs are right, and what must not matter.

The shop has what shops have: families with one phone or one address, numbers and addresses that
somebody else has later, people with two addresses, new numbers and new homes, typing errors, blank
fields, tags, full-width letters, numbers with and without country code, guests who are members at
other times. Who ordered what is known.
"""

import csv
import random
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.analyses.identify import resolution
from csk.intake.formats.reading import opened
from csk.intake.identity.hashing import hashed
from csk.intake.resolving.columns import key_columns
from csk.intake.resolving.evidence import ShopFile, evidence

KEY = bytes(range(64))
HEADER = ("注文番号", "会員ID", "メールアドレス", "電話番号", "氏名", "郵便番号", "合計金額")
FAMILIES = tuple("佐鈴髙田渡伊山中小加吉木松井林森")
GIVEN = (
    "陽翔",
    "湊",
    "蓮",
    "樹",
    "葵",
    "凛",
    "紬",
    "太郎",
    "花子",
    "一郎",
    "裕子",
    "健",
    "恵",
    "誠",
)
DOMAINS = ("gmail.com", "docomo.ne.jp", "example.com", "example.ne.jp")
Row = tuple[str, ...]


def mobile(dice: random.Random) -> str:
    return f"0{dice.choice('789')}0-{dice.randrange(1000, 9999)}-{dice.randrange(10_000):04d}"


def written(dice: random.Random, mail: str, phone: str, name: Row, code: str) -> Row:
    """Return keys as somebody typed them in."""
    if dice.random() < 0.03:
        mail = mail.replace("@", dice.choice(["@@", "", "1@"]))
    if "gmail" in mail and dice.random() < 0.3:
        mail = mail.replace("@", "+shop@").replace("u", "u.", 1)
    if dice.random() < 0.2:
        mail = dice.choice([mail.upper(), mail.replace("@", "＠")])
    if dice.random() < 0.03:
        phone = "000-0000-0000"
    elif dice.random() < 0.02:
        phone = phone[:-1] + str((int(phone[-1]) + 1) % 10)
    if dice.random() < 0.3:
        phone = dice.choice([phone.replace("-", ""), "+81" + phone.replace("-", "")[1:]])
    blank = dice.choice([" ", "\u3000", ""])
    title = "様" if dice.random() < 0.25 else ""
    mail = "" if dice.random() < 0.08 else mail
    phone = "" if dice.random() < 0.15 else phone
    code = dice.choice([code, code[:3] + "-" + code[3:], ""])
    return mail, phone, blank.join(name) + title, code


def shop(people: int, seed: int, *, sharing: bool) -> tuple[list[Row], list[int]]:
    """Return orders in no order, and who made each; `sharing` people have keys of others."""
    dice = random.Random(seed)
    orders: list[tuple[Row, int]] = []
    mail_of_all, person = ["u0@example.com"], 0
    while person < people:
        family, code = dice.choice(FAMILIES), str(dice.randrange(1_000_000, 9_999_999))
        home = f"0{dice.choice('36')}-{dice.randrange(3000, 3999)}-{dice.randrange(10_000):04d}"
        for given_name in dice.sample(GIVEN, dice.choices([1, 2, 3], [0.7, 0.2, 0.1])[0]):
            person += 1
            mails = [f"u{person}.{dice.randrange(10**6)}@{dice.choice(DOMAINS)}"]
            mails += [f"second{person}@example.org"] if dice.random() < 0.2 else []
            phones = [mobile(dice), mobile(dice)]
            if sharing and dice.random() < 0.2:
                phones = [home]
            if sharing and dice.random() < 0.01:
                mails = [dice.choice(mail_of_all)]
            mail_of_all += mails
            codes = [code, str(dice.randrange(1_000_000, 9_999_999))]
            member = f"M{person}" if dice.random() < 0.25 else ""
            for number in range(1 + min(int(dice.expovariate(0.5)), 30)):
                later = number > 2 and dice.random() < 0.4
                phone, home_code = (phones[-1], codes[-1]) if later else (phones[0], codes[0])
                keys = written(dice, dice.choice(mails), phone, (family, given_name), home_code)
                known = member if dice.random() < 0.6 else ""
                orders.append(((known, *keys, "1000"), person))
    dice.shuffle(orders)
    rows = [(str(number), *row) for number, (row, _) in enumerate(orders)]
    return rows, [who for _, who in orders]


def customers(folder: Path, *files: list[Row], key: bytes = KEY) -> dict[str, str | None]:
    """Return the customer of every order, as the program finds them in these files."""
    with_columns = []
    for number, rows in enumerate(files):
        path = folder / f"{number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])
        source = opened(path, temporary=folder)
        keys = key_columns(path.name, source.columns, source.sample(), None, "")
        with_columns.append(ShopFile(source, keys))
    seen = evidence(with_columns, key)
    ids = dict(resolution(seen.records, seen.n_without_key).ids.iter_rows())
    records = [record for of_file in seen.rows for record in of_file.to_list()]
    orders = [row[0] for rows in files for row in rows]
    return {order: ids.get(record) for order, record in zip(orders, records, strict=True)}


def pairs(labels: Counter[object]) -> int:
    return sum(n * (n - 1) // 2 for n in labels.values())


@pytest.mark.parametrize(
    ("sharing", "least_precision", "least_recall"), [(True, 0.955, 0.96), (False, 0.999, 0.965)]
)
def test_pairs_of_orders_are_put_together_as_they_belong(
    tmp_path, sharing, least_precision, least_recall
):
    # Bars just below the worst of six seeds. Shared keys cost precision: two of one phone are one.
    rows, truth = shop(3_000, 7, sharing=sharing)
    found = list(customers(tmp_path, rows).values())
    known = [pair for pair in zip(found, truth, strict=True) if pair[0] is not None]
    right = pairs(Counter(known))
    precision = right / pairs(Counter(who for who, _ in known))
    recall = right / pairs(Counter(truth))
    print(f"keys shared {sharing}: precision {precision:.4f}, recall {recall:.4f}")  # noqa: T201 # the figures that the bar is held against
    assert precision >= least_precision
    assert recall >= least_recall


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 60), data=st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_of_files_matters(tmp_path_factory, seed, cut, data):
    rows, _ = shop(25, seed, sharing=True)
    folder = tmp_path_factory.mktemp("shop")
    whole = customers(folder, rows)
    turned = list(rows)
    data.shuffle(turned)
    assert customers(folder, turned) == whole
    assert customers(folder, turned[cut:], turned[:cut]) == whole


def test_ids_are_the_same_in_every_run_and_others_with_another_key(tmp_path):
    rows, _ = shop(200, 3, sharing=True)
    first = customers(tmp_path, rows)
    assert customers(tmp_path, rows) == first
    other = customers(tmp_path, rows, key=KEY[::-1])
    guests = {order for order, who in first.items() if who and who.startswith("g-")}
    assert guests
    assert all(other[order] != first[order] for order in guests)
    assert all(other[order] == first[order] for order in first.keys() - guests)

    def partition(found: dict[str, str | None]) -> set[frozenset[str]]:
        of: dict[str | None, set[str]] = {}
        for order, who in found.items():
            of.setdefault(who, set()).add(order)
        return {frozenset(orders) for orders in of.values()}

    assert partition(other) == partition(first)


def test_one_address_alone_gives_the_id_that_intake_gives(tmp_path):
    rows = [(str(n), "", f"Taro{n}+x@example.com", "", "", "", "1") for n in range(50)]
    alone = hashed(pl.Series([row[2] for row in rows]), "email", KEY).to_list()
    assert list(customers(tmp_path, rows).values()) == alone
