"""Forms of Dockerfiles."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clara_cli.errors import ImageError
from clara_cli.images.dockerfile import Dockerfile, read_dockerfile
from clara_cli.images.stage import Copy


def read(folder: Path, text: str | bytes) -> Dockerfile:
    path = folder / "Dockerfile"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_dockerfile(path)


SH = ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("lines", "entrypoint", "cmd"),
    [
        ('CMD ["python", "-u", "main.py"]', (), ("python", "-u", "main.py")),
        ("CMD python -u main.py", (), (*SH, "python -u main.py")),
        ('cmd ["a"]', (), ("a",)),
        ('CMD ["a"]\nCMD ["b"]', (), ("b",)),
        ("CMD []", (), ()),
        ('ENTRYPOINT ["run"]\nCMD ["--x"]', ("run",), ("--x",)),
        ('CMD ["--x"]\nENTRYPOINT ["run"]', ("run",), ("--x",)),
        ("ENTRYPOINT exec run $X", (*SH, "exec run $X"), ()),
        ('ENTRYPOINT ["run"]\nENTRYPOINT []', (), ()),
        ('SHELL ["/bin/bash", "-ec"]\nCMD run it', (), ("/bin/bash", "-ec", "run it")),
        ('CMD ["a", \\\n  "b", \\\n  "c"]', (), ("a", "b", "c")),
        ('CMD ["a", \\\n  # why\n\n  "b"]', (), ("a", "b")),
        ('CMD ["a"] \\', (), ("a",)),
        ('CMD ["a"]\r\n', (), ("a",)),
        ('RUN apt-get update \\\n && apt-get install -y x\nCMD ["a"]', (), ("a",)),
        ('RUN <<EOF\nCMD ["wrong"]\nEOF\nCMD ["a"]', (), ("a",)),
        ('RUN <<-"ONE" cat; <<TWO\n\tONE\nCMD x\nTWO\nCMD ["a"]', (), ("a",)),
        ('RUN echo $((1<<2))\nCMD ["a"]', (), ("a",)),
        ("CMD [ -f x ] && run", (), (*SH, "[ -f x ] && run")),
    ],
)
def test_entrypoint_and_cmd(tmp_path: Path, lines: str, entrypoint: tuple[str, ...], cmd: tuple[str, ...]) -> None:
    found = read(tmp_path, f"FROM base\n{lines}")
    assert (found.entrypoint, found.cmd) == (entrypoint, cmd)


@pytest.mark.parametrize(
    ("text", "workdir"),
    [
        ("FROM x", "/"),
        ("FROM x\nWORKDIR /app", "/app"),
        ("FROM x\nWORKDIR /app/", "/app"),
        ("FROM x\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c", "/a/c"),
        ("FROM x\nWORKDIR //a", "/a"),
        ("FROM x\nENV HOME_DIR=/opt\nWORKDIR $HOME_DIR/x", "/opt/x"),
        ("FROM x\nARG D=/opt\nWORKDIR ${D}", "/opt"),
        ("FROM x\nARG D\nWORKDIR /a${D}", "/a"),
        ("ARG D=/opt\nFROM x\nWORKDIR ${D:-/none}", "/none"),
        ("ARG D=/opt\nFROM x\nARG D\nWORKDIR $D", "/opt"),
        ("ARG D=/opt\nFROM x\nARG D=/own\nWORKDIR $D", "/own"),
        ("FROM x\nARG D=/arg\nENV D=/env\nWORKDIR $D", "/env"),
        ('FROM x\nWORKDIR "/with space"', "/with space"),
        ("FROM x\nWORKDIR /../a", "/a"),
        ("# escape=`\nFROM x\nRUN a `\n  b\nWORKDIR /app", "/app"),
        ("\ufeff# syntax=docker/dockerfile:1\nFROM x\nWORKDIR /app", "/app"),
        ("FROM --platform=linux/amd64 x\nWORKDIR /app", "/app"),
        ("FROM x AS one\nWORKDIR /one\nFROM y\n", "/"),
        ("FROM x AS one\nWORKDIR /one\nFROM one\nWORKDIR two", "/one/two"),
        ("FROM x\nWORKDIR /one\nFROM y\nFROM 0", "/one"),
        ("ARG BASE=one\nFROM x AS One\nWORKDIR /one\nFROM ${BASE}", "/one"),
    ],
)
def test_workdir_and_stages(tmp_path: Path, text: str, workdir: str) -> None:
    assert read(tmp_path, text).workdir == workdir


def test_a_stage_inherits_and_its_entrypoint_drops_an_inherited_cmd(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'FROM x AS one\nARG SECRET=1\nENV A=1\nCOPY a /a\nCMD ["c"]\n'
        'FROM one AS two\nENV B=$A$SECRET\nENTRYPOINT ["e"]\nFROM unrelated\nENV Z=1\nFROM two',
    )
    assert found.environment == {"A": "1", "B": "1"}
    assert (found.entrypoint, found.cmd) == (("e",), ())
    assert [copy.target for copy in found.copies] == ["/a"]


@pytest.mark.parametrize(
    ("lines", "environment"),
    [
        ("ENV A=1", {"A": "1"}),
        ("ENV A=1 B=two", {"A": "1", "B": "two"}),
        ("ENV A=1 \\\n    B=2", {"A": "1", "B": "2"}),
        ("ENV A one two", {"A": "one two"}),
        ("ENV A=\"one two\" B='$A'", {"A": "one two", "B": "$A"}),
        ("ENV A=one\\ two", {"A": "one two"}),
        ("ENV A=1\nENV A=2 B=$A", {"A": "2", "B": "1"}),
        ("ENV A=x=y", {"A": "x=y"}),
        ("ENV A=", {"A": ""}),
        ("ENV PATH=/opt/bin:$PATH", {"PATH": "/opt/bin:${PATH}"}),
        ("ENV PYTHONPATH=$PYTHONPATH:/app", {"PYTHONPATH": ":/app"}),
        ("ARG V=3\nENV A=${V}.1", {"A": "3.1"}),
    ],
)
def test_environment(tmp_path: Path, lines: str, environment: dict[str, str]) -> None:
    assert read(tmp_path, f"FROM x\n{lines}\n").environment == environment


@pytest.mark.parametrize(
    ("lines", "copy"),
    [
        ("COPY main.py /app/main.py", Copy(("main.py",), "/app/main.py", False, 3)),
        ("COPY main.py /app/", Copy(("main.py",), "/app", True, 3)),
        ("COPY main.py .", Copy(("main.py",), "/w", True, 3)),
        ("COPY main.py ./", Copy(("main.py",), "/w", True, 3)),
        ("COPY main.py sub/", Copy(("main.py",), "/w/sub", True, 3)),
        ("COPY main.py run.py", Copy(("main.py",), "/w/run.py", False, 3)),
        ("COPY main.py /w", Copy(("main.py",), "/w", True, 3)),
        ("COPY a b /app/", Copy(("a", "b"), "/app", True, 3)),
        ('COPY ["a b", "/to there/"]', Copy(("a b",), "/to there", True, 3)),
        ("COPY --chown=1000:1000 --chmod=755 a /app/", Copy(("a",), "/app", True, 3)),
        ('COPY --chown=me ["a", "/app/"]', Copy(("a",), "/app", True, 3)),
        ("COPY [ab].txt /app/", Copy(("[ab].txt",), "/app", True, 3)),
        ("COPY \\\n  a \\\n  /app/", Copy(("a",), "/app", True, 3)),
        ("ADD https://host/x.bin local /app/", Copy(("local",), "/app", True, 3)),
    ],
)
def test_copy(tmp_path: Path, lines: str, copy: Copy) -> None:
    assert read(tmp_path, f"FROM x\nWORKDIR /w\n{lines}\n").copies == (copy,)


def test_copy_uses_variables(tmp_path: Path) -> None:
    found = read(tmp_path, "FROM x\nARG SRC=code\nENV APP=/opt\nCOPY ${SRC}/*.py $APP/\n")
    assert found.copies == (Copy(("code/*.py",), "/opt", True, 4),)


def test_what_cannot_be_had_is_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, "FROM a AS b\nFROM x\nCOPY --from=b /x /y\nADD https://host/a /a\nADD m.tar.gz /m/\n")
    assert [copy.target for copy in found.copies] == ["/m"]
    assert [text.partition("Dockerfile:")[2] for text in found.warnings] == [
        "3: COPY --from=b is skipped: nothing is built",
        "5: m.tar.gz is not unpacked",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Dockerfile: has no FROM line"),
        ("# only a comment\n", "has no FROM line"),
        ("WORKDIR /app\nFROM x\n", "Dockerfile:1: WORKDIR stands before the first FROM"),
        ("FROM x\n\nFETCH a b\n", "Dockerfile:3: unknown instruction FETCH"),
        ("FROM\n", "Dockerfile:1: FROM needs a value"),
        ("FROM", "Dockerfile:1: FROM needs a value"),
        ("FROM a b c d\n", "Dockerfile:1: FROM must be written"),
        ("FROM x\nCMD ['a', 'b']\n", "Dockerfile:2: CMD: not a JSON list"),
        ('FROM x\nENTRYPOINT ["a", 1]\n', "Dockerfile:2: ENTRYPOINT: not a JSON list of texts"),
        ("FROM x\nSHELL bash\n", "Dockerfile:2: SHELL needs a JSON list"),
        ("FROM x\nENV A\n", "Dockerfile:2: ENV A has no value"),
        ("FROM x\nENV A=1 B\n", "Dockerfile:2: ENV: 'B' is not NAME=VALUE"),
        ('FROM x\nENV A="open\n', "Dockerfile:2: the quote"),
        ("FROM x\nARG 1=2\n", "Dockerfile:2: ARG: '1' is not"),
        ("FROM x\nWORKDIR ${A\n", "Dockerfile:2: cannot read the variable"),
        ("FROM x\nCOPY a\n", "Dockerfile:2: COPY needs a source and a destination"),
        ("FROM x\nCOPY <<EOF /a\nhello\nEOF\n", "Dockerfile:2: COPY from a here-document"),
        ("FROM x\nRUN a\nRUN <<EOF\nb\n", "Dockerfile:3: the here-document EOF does not end"),
        (b"FROM x\nENV A=\xff\n", "Dockerfile: is not UTF-8"),
    ],
)
def test_malformed(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        read(tmp_path, text)
    assert message in caught.value.message


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_dockerfile(tmp_path / "Dockerfile")


LINES = st.lists(
    st.tuples(
        st.sampled_from(["FROM", "RUN", "COPY", "ENV", "ARG", "WORKDIR", "CMD", "ENTRYPOINT", "ADD", "#", "", "X"]),
        st.text(alphabet="ab/.=$ {}\"'[],\\<E:-*\n\t", max_size=15),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(LINES)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]]) -> None:
    text = "FROM x\n" + "\n".join(" ".join(line) for line in lines)
    try:
        found = read(tmp_path_factory.mktemp("any"), text)
    except ImageError:
        return
    assert found.workdir.startswith("/")
    assert all(copy.target.startswith("/") for copy in found.copies)
