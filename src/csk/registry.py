"""Finding one-file plug-ins without importing them: a file that appears is a feature.

One rule: looking at what there is costs a folder listing and imports nothing but the parent
package; only the plug-in that was asked for is loaded. Plug-ins are the modules of a package,
but for `protocol` (which says what they must be), names with a leading `_`, and subpackages
(both hold what several plug-ins share).
"""

from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from csk.errors import UsageError

_CONTRACT = "protocol"


def names(package: str) -> tuple[str, ...]:
    """List the plug-ins of `package` by name, sorted, none of them imported."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return tuple(
        sorted(
            module.name
            for module in iter_modules(folders or ())
            if not module.ispkg and not module.name.startswith("_") and module.name != _CONTRACT
        )
    )


def loaded(package: str, name: str, attribute: str) -> Any:  # noqa: ANN401 # typed by the caller
    """Import the plug-in `name` of `package` and return its constant `attribute`.

    An unknown name is a UsageError that lists the known ones, the nearest as a hint.
    """
    known = names(package)
    if name not in known:
        kind = package.rpartition(".")[2].replace("_", " ")
        nearest = get_close_matches(name, known, n=1, cutoff=0.6)
        raise UsageError(
            f"There is no '{name}' among the {kind}; known are: {', '.join(known) or 'none'}.",
            hint=f"Did you mean '{nearest[0]}'?" if nearest else "",
        )
    return getattr(import_module(f"{package}.{name}"), attribute)
