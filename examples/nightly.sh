#!/usr/bin/env bash
# Segment last night's exports and leave a day of Parquet for BI. For cron:
#   15 3 * * *  cd /srv/exports && /path/to/nightly.sh exports out
# Silent when all is well; a sentence on stderr and a non-zero code when it is not, and then
# yesterday's tables are untouched.
set -euo pipefail
exports=${1:?folder of exports} out=${2:?folder for tables}
exec csk segment "$exports" --quiet -o "$out/"
