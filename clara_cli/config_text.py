"""Edits of single values in YAML text that leave all other lines, and their comments, as they are.

Each returns None where the text has a form that it does not know; the caller checks what the new text means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml


def set_value(text: str, keys: tuple[str, ...], value: Any) -> str | None:
    """The text with the value at that path set."""
    if not text.strip() or all(line.lstrip().startswith("#") or not line.strip() for line in text.splitlines()):
        return _with_line_end(text) + _block(keys, value)
    found, entry = _find(text, keys)
    if entry is not None:
        start, end = entry[1].start_mark.index, _last(entry[1])
        written = _flow(value)
        if entry[1].start_mark.line > entry[0].end_mark.line:
            # A block below its key: the new value stands beside the key, before a comment that is there.
            colon = text.index(":", entry[0].end_mark.index) + 1
            line = _line_end(text, colon)
            return f"{text[:colon]} {written}{text[colon:line]}{text[_line_end(text, end) :]}"
        # An empty value begins where its colon ends.
        return text[:start] + (written if text[start - 1].isspace() else f" {written}") + text[end:]
    if found is None:
        return None
    parent, depth = found
    if parent.flow_style or not parent.value:
        return None
    indent = " " * parent.value[0][0].start_mark.column
    place = _line_end(text, _last(parent.value[-1][1]))
    lines = _block(keys[depth:], value)
    return _with_line_end(text[:place]) + "".join(f"{indent}{line}\n" for line in lines.splitlines()) + text[place:]


def remove_value(text: str, keys: tuple[str, ...]) -> str | None:
    """The text without the lines of the value at that path."""
    found, entry = _find(text, keys)
    if entry is None:
        return text
    if found is None or found[0].flow_style or (len(found[0].value) == 1 and len(keys) > 1):
        return None
    start = text.rfind("\n", 0, entry[0].start_mark.index) + 1
    return text[:start] + text[_line_end(text, _last(entry[1])) :]


def _find(
    text: str, keys: tuple[str, ...]
) -> tuple[tuple[yaml.MappingNode, int] | None, tuple[yaml.Node, yaml.Node] | None]:
    """The innermost mapping on the way to a path with its depth, and the key and value there if they are."""
    import yaml

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for depth, name in enumerate(keys):
        if not isinstance(node, yaml.MappingNode):
            return None, None
        # Of a name given twice the last one counts.
        entry = next((pair for pair in reversed(node.value) if pair[0].value == name), None)
        if entry is None:
            return (node, depth), None
        if depth == len(keys) - 1:
            return (node, depth), entry
        node = entry[1]
    return None, None


def _last(node: yaml.Node) -> int:
    """Where the text of a value ends, without the comments and empty lines that follow a block."""
    import yaml

    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, place: int) -> int:
    if place and text[place - 1] == "\n":
        return place
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def _with_line_end(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _block(keys: tuple[str, ...], value: Any) -> str:
    import yaml

    for name in reversed(keys):
        value = {name: value}
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1 << 16))


def _flow(value: Any) -> str:
    import yaml

    text = yaml.safe_dump([value], default_flow_style=True, sort_keys=False, allow_unicode=True, width=1 << 16)
    return str(text).strip()[1:-1]
