"""How completions reach bash, zsh and fish: their scripts, and what the scripts ask for.

click's own classes do the work; their scripts do not know a colon in a word (`ID:/operators/`, which bash takes for the
end of a word), completions that go on (no blank after a folder), or names beside ids in bash.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import (
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

if TYPE_CHECKING:
    Item = CompletionItem[str]

_BASH = r"""%(complete_func)s() {
    local IFS=$'\n' kind value
    COMPREPLY=()
    while IFS=$'\t' read -r kind value; do
        case $kind in
            file) compopt -o default; COMPREPLY=(); return ;;
            partial) compopt -o nospace; COMPREPLY+=("$value") ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env %(complete_var)s=bash_complete CLARA_COMPLETE_LINE="${COMP_LINE:0:COMP_POINT}" \
        CLARA_COMPLETE_BREAKS="$COMP_WORDBREAKS" CLARA_COMPLETE_TYPE="$COMP_TYPE" "${1/#\~/$HOME}" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain described partial response
    local kind value help
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
%(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind value help in ${response}; do
        case $kind in
            file) _files; return ;;
            partial) partial+=("$value") ;;
            plain) if [[ $help == _ ]]; then plain+=("$value"); else described+=("$value:$help"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#partial )) && compadd -U -S '' -V unsorted -a partial
    (( $#plain )) && compadd -U -V unsorted -a plain
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""function %(complete_func)s
    for line in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \
            COMP_CWORD=(commandline -ct | string collect) %(prog_name)s 2>/dev/null)
        set -l parts (string split -m 1 "," -- $line)
        if test "$parts[1]" = file
            __fish_complete_path (commandline -ct)
        else
            echo $parts[2]
        end
    end
end

complete --no-files --keep-order --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Whole(ShellComplete):
    """Completions as whole words: click leaves out the `--flag=` before a value."""

    def get_completions(self, args: list[str], incomplete: str) -> list[Item]:
        flag, equals, _ = incomplete.partition("=")
        lead = flag + equals if equals and flag.startswith("--") else ""
        found = [_with(lead, item) for item in super().get_completions(args, incomplete)]
        return [item for item in found if _is_text(item.value)]


def _is_text(value: str) -> bool:
    """Whether it can be written: a byte of the line that is no text would stop all."""
    try:
        return bool(value.encode())
    except UnicodeEncodeError:
        return False


def _with(lead: str, item: Item) -> Item:
    if item.type == "file":  # the shell looks for files itself
        return CompletionItem("_", type="file")
    return CompletionItem(lead + item.value, type=item.type, help=item.help, is_id=item.is_id)


class Bash(_Whole):
    name = "bash"
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("CLARA_COMPLETE_LINE", "")
        words = split_arg_string(line)[1:]
        begun = not line[-1:].isspace()
        return (words[:-1], words[-1]) if words and begun else (words, "")

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        found = self.get_completions(args, incomplete)
        # What stands before a word break is not replaced by the shell, unless it is quoted.
        last = os.environ.get("CLARA_COMPLETE_LINE", "").split(" ")[-1]
        breaks = set(os.environ.get("CLARA_COMPLETE_BREAKS", "")) & set(":=")
        kept = 0 if last[:1] in "'\"" else max((incomplete.rfind(sign) + 1 for sign in breaks), default=0)
        # 37 and 42 insert one after the other instead of showing them.
        explained = len(found) > 1 and os.environ.get("CLARA_COMPLETE_TYPE") not in ("37", "42")
        return "\n".join(f"{item.type}\t{self._shown(item, kept, explained)}" for item in found)

    @staticmethod
    def _shown(item: Item, kept: int, explained: bool) -> str:
        value = item.value[kept:]
        return f"{value}  ({item.help})" if explained and item.is_id and item.help else value


class Zsh(_Whole, ZshComplete):
    source_template = _ZSH


class Fish(_Whole, FishComplete):
    source_template = _FISH

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
        begun = next(iter(split_arg_string(os.environ.get("COMP_CWORD", ""))), "")
        # The word at the cursor is among the words of the line.
        return (words[:-1] if begun and words[-1:] == [begun] else words), begun


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def register() -> None:
    """Let click use these for what a script asks."""
    for name, shell in SHELLS.items():
        add_completion_class(shell, name)
