"""Only the imports of `csk segment`, of csk and of what it stands on."""

# What the fits import where they need it.
import pyarrow.csv
import rich.console
import rich.table
import scipy.special

import csk.cli.app
import csk.cli.run_segment
import csk.render.text
import csk.sinks.parquet

print(csk.__version__, pyarrow.__version__, rich.__name__, scipy.__version__)
