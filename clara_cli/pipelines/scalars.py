"""What a scalar means: its text where the language wants texts, else the value YAML gives it.

Source: the language writes `tag: 18.04` or `VARIANCE: 10` without quotes and means the text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

from clara_cli.pipelines.nodes import Mapping, Node, Scalar, Sequence

TEXT_KEYS = frozenset(
    ("api-version", "name", "tag", "image", "description", "from", "path", "type", "element-type", "format")
) | {"orchestrator", "hostVolumePath"}
TEXT_SUBTREES = frozenset(("variables", "parameters", "args", "command", "pull-secrets"))

PREFIX = "tag:yaml.org,2002:"
KNOWN_TAGS = frozenset(PREFIX + kind for kind in ("str", "int", "float", "bool", "null"))
_MAX_NUMBER = 400


def to_value(node: Node, text: bool = False, subtree: bool = False) -> Any:
    """The plain value of a tree: dict, list, str, int, float, bool, None."""
    if isinstance(node, Mapping):
        return {
            key: to_value(value, subtree or key in TEXT_KEYS, subtree or key in TEXT_SUBTREES)
            for key, (_, value) in node.entries.items()
        }
    if isinstance(node, Sequence):
        return [to_value(item, subtree, subtree) for item in node.items]
    return scalar_value(node, text)


def scalar_value(node: Scalar, text: bool) -> Any:
    """The value of one scalar; an empty plain one and a plain `null` are None even where texts are kept."""
    if not node.plain and node.tag is None:
        return node.text
    tag = node.tag or _resolve(node.text)
    if tag == PREFIX + "null":
        return None
    return node.text if text else _construct(tag, node.text)


def _resolve(text: str) -> str:
    # No number is that long, and the patterns of numbers need not look at long texts.
    return PREFIX + "str" if len(text) > _MAX_NUMBER else _resolver().resolve(yaml.ScalarNode, text, (True, False))


@lru_cache(maxsize=1)
def _resolver() -> Any:
    return yaml.resolver.Resolver()


def _construct(tag: str, text: str) -> Any:
    constructor = yaml.constructor.SafeConstructor()
    node = yaml.ScalarNode(tag, text)
    try:
        if tag == PREFIX + "int":
            return constructor.construct_yaml_int(node)
        if tag == PREFIX + "float":
            return constructor.construct_yaml_float(node)
        if tag == PREFIX + "bool":
            return constructor.construct_yaml_bool(node)
    except (ValueError, KeyError, IndexError, OverflowError):
        # YAML calls it a number, Python cannot read it (`0b_`): then it is a text.
        return text
    # Dates stay texts: nothing in the language is a date.
    return text
