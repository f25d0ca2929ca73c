"""A study: volumes, a definition that doubles each of them, a folder for results."""

from __future__ import annotations

from support import Project

# Doubles what it reads; a volume that says `bad` cannot be read, one that says `wait` waits for its gate.
PROGRAM = """
import os, sys, time
folder = os.environ["NVIDIA_CLARA_INPUTPATHS"].split(":")[1]
target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":")[1]
(name,) = os.listdir(folder)
text = open(os.path.join(folder, name)).read()
with open("{folder}/ran", "a", errors="surrogateescape") as ran:
    ran.write(name + "\\n")
while text == "wait" and not os.path.exists("{folder}/open"):
    time.sleep(0.01)
if text == "bad":
    sys.exit("cannot read " + name)
with open(os.path.join(target, "out"), "w") as file:
    file.write(text * 2)
"""
DEFINITION = "- name: double\n  container: {image: double}\n  input: [{path: /input}]\n  output: [{path: /output}]\n"


class Study:
    """A folder of volumes, a definition, a folder for results."""

    def __init__(self, project: Project) -> None:
        project.operator("double", PROGRAM.format(folder=project.folder))
        self.definition = project.definition(DEFINITION, "0.4.0")
        self.volumes = project.folder / "volumes"
        self.volumes.mkdir()
        self.results = project.folder / "results"
        self.gate = project.folder / "open"
        self.ran_file = project.folder / "ran"

    def volume(self, name: str, text: str = "x") -> None:
        path = self.volumes / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def words(self, *more: object) -> list[str]:
        return list(map(str, ("run", self.definition, "--each", self.volumes, "-o", self.results, *more)))

    def ran(self) -> list[str]:
        """The volumes that operators ran for since the last time."""
        if not self.ran_file.exists():
            return []
        found = sorted(self.ran_file.read_text().splitlines())
        self.ran_file.unlink()
        return found

    def kept(self) -> list[str]:
        """The volumes whose results are there, each with its file; nothing else may be in the folder."""
        files = sorted(path for path in self.results.rglob("*") if not path.is_dir() and path.name != "lock")
        assert all(path.parts[-2:] == ("double", "out") for path in files), files
        return [str(path.relative_to(self.results).parent.parent) for path in files]
