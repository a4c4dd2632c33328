"""References inside paths: their values become names or indexes, and never text of the path's grammar.

In a plain path (`body.map[${key}]`, `body.${key}`, `body['${key}']`) the value is a name or an index, or a part of a
name. In JSONPath that holds after a dot; elsewhere in it a value is a literal (`quoting.jsonpath_text`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.values.paths import PathSyntaxError, parse_segments, show_path

#: A stand-in for a value in the path around it; a path in which it stands itself is refused.
_PLACE = re.compile("\ue000([0-9]+)\ue001")
_IN_BRACKETS = re.compile("\\[\\s*(\ue000[0-9]+\ue001)\\s*\\]")


def name_of(value: Json) -> str:
    """Return the name or index that the value is in a path; raise UnsafeValue for other types."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    kinds = {dict: "an object", list: "a list", bool: "a boolean", float: "a decimal number"}
    found = next((name for kind, name in kinds.items() if isinstance(value, kind)), "null")
    raise UnsafeValue(f"in a path the value must be a name or an index, not {found}")


def plain_path(parts: Sequence[str | int], names: Sequence[str]) -> str:
    """Return the path of segments; an integer in `parts` stands for that one of the `names`.

    Raises UnsafeValue where the text around them is not a path.
    """
    template = "".join(part if isinstance(part, str) else f"\ue000{part}\ue001" for part in parts)
    try:
        segments = parse_segments(_IN_BRACKETS.sub(r"['\1']", template))
    except PathSyntaxError as error:
        raise UnsafeValue(f"not a valid path: {_PLACE.sub('${…}', str(error))}") from error
    return show_path(tuple(_PLACE.sub(lambda match: names[int(match[1])], each) for each in segments))
