"""How the laws are tried, here and on CI."""

import os

from hypothesis import settings

# No deadline: a shared machine stalls, which says nothing of the law. On CI the examples are the
# same in every run, so that a failure there is one that anybody can repeat.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile("quick", settings.get_profile("house"), max_examples=20)
settings.load_profile("house")
