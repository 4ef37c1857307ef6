"""Every row of a file through csk's own reader, all columns as text."""

import sys
import tempfile
from pathlib import Path

from csk.intake.formats.reading import opened

path = Path(sys.argv[1])
with (
    tempfile.TemporaryDirectory(dir=path.parent) as folder,
    opened(path, temporary=Path(folder)) as source,
):
    n_rows = sum(batch.frame.height for batch in source.batches())
assert n_rows == int(sys.argv[2])
