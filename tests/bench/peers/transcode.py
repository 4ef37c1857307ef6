"""CP932 to UTF-8 as csk does it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from csk.intake.formats.encoding import utf8


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(4 << 20):
            yield piece


for piece in utf8(pieces(Path(sys.argv[1])), "cp932", sys.argv[1]):
    sys.stdout.buffer.write(piece)
