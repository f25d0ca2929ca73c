"""How a volume is looked at: what the address of the viewer says, and what its page shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from clara_cli.errors import UsageError
from clara_cli.volumes.orientation import VIEWS, Plane
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window

# Window and level that radiologists know by name, in Hounsfield units.
PRESETS = (
    ("Soft tissue", Window(400, 50)),
    ("Lung", Window(1500, -600)),
    ("Bone", Window(2000, 400)),
    ("Brain", Window(80, 40)),
    ("Liver", Window(150, 60)),
)
_HUGE = 1e30


@dataclass(frozen=True)
class Look:
    """What the address says; what it does not say is None or the default.

    Attributes:
        slices: the slice of each plane.
        show: a plane's name, or `all`.
        overlay: the reference of what lies over the volume; empty for nothing.
        opacity: of the overlay, 0 to 1.
        array: an array of an archive, or a series of a folder.
        axes: what the axes of an array are.
    """

    slices: dict[Plane, int | None]
    show: str = "all"
    window: float | None = None
    level: float | None = None
    frame: int = 0
    overlay: str = ""
    opacity: float = 0.5
    array: str | None = None
    axes: str = "zyx"

    @classmethod
    def of(cls, query: Any) -> Look:
        """Read a query string's values.

        Raises:
            UsageError: one is not what it should be.
        """
        show = query.get("show") or "all"
        axes = query.get("axes") or "zyx"
        if show not in ("all", *(plane.value for plane in Plane)) or axes not in ("zyx", "xyz"):
            raise UsageError("show is all, axial, coronal or sagittal, and axes are zyx or xyz")
        return cls(
            {plane: _whole(query, plane.value) for plane in Plane},
            show,
            _number(query, "window"),
            _number(query, "level"),
            _whole(query, "frame") or 0,
            query.get("overlay") or "",
            min(1.0, max(0.0, _or(_number(query, "opacity"), 0.5))),
            query.get("array") or None,
            axes,
        )

    def windowed(self, default: Window) -> Window:
        """The window that the address says, with what it leaves out from the default."""
        width = default.width if self.window is None or self.window <= 0 else self.window
        return Window(width, default.level if self.level is None else self.level)

    def at(self, volume: Volume, plane: Plane) -> int:
        """The slice that is shown of a plane: the middle one unless the address says another that there is."""
        count, said = volume.slices(plane), self.slices[plane]
        return count // 2 if said is None else min(max(said, 0), count - 1)


@dataclass(frozen=True)
class Pane:
    """One plane on the page.

    Attributes:
        width, height: of the picture in millimetres (in voxels where nothing is known).
        letters: of its left, right, upper and lower edge; empty where they are not known.
        crossing: the planes whose slices are the picture's columns and rows, and whether the rows count upwards.
        source: the address of the picture.
    """

    plane: str
    at: int
    count: int
    width: float
    height: float
    letters: str
    crossing: tuple[str, str]
    upwards: bool
    source: str

    @property
    def title(self) -> str:
        return self.plane.capitalize()


_ACROSS = {view.across: plane for plane, view in VIEWS.items()}


def panes(volume: Volume, look: Look, window: Window, address: str) -> list[Pane]:
    """The three planes as the page shows them; `address` is that of the pictures."""
    known = volume.orientation.affine is not None
    found = []
    for plane, view in VIEWS.items():
        wide, high = volume.pixel_size(plane)
        at = look.at(volume, plane)
        found.append(
            Pane(
                plane.value,
                at,
                volume.slices(plane),
                round(volume.shape[view.right] * wide, 3),
                round(volume.shape[view.down] * high, 3),
                view.letters if known else "",
                (_ACROSS[view.right].value, _ACROSS[view.down].value),
                view.upwards,
                f"{address}?{picture_query(look, window, plane, at)}",
            )
        )
    return found


def picture_query(look: Look, window: Window, plane: Plane, at: int) -> str:
    """The query of one picture's address."""
    said: dict[str, object] = {
        "plane": plane.value,
        "at": at,
        "window": _short(window.width),
        "level": _short(window.level),
        **({"frame": look.frame} if look.frame else {}),
        **({"overlay": look.overlay, "opacity": _short(look.opacity)} if look.overlay else {}),
        **({"array": look.array} if look.array else {}),
        **({"axes": look.axes} if look.axes != "zyx" else {}),
    }
    return urlencode(said, errors="surrogateescape")


def volume_query(look: Look) -> str:
    """The query of the address of a whole volume."""
    said: dict[str, object] = {
        **({"frame": look.frame} if look.frame else {}),
        **({"overlay": look.overlay} if look.overlay else {}),
        **({"array": look.array} if look.array else {}),
        **({"axes": look.axes} if look.axes != "zyx" else {}),
    }
    return urlencode(said, errors="surrogateescape")


def shown_value(value: float) -> str:
    """A voxel's value as text: JSON has neither infinity nor NaN."""
    return f"{value:.6g}"


def shown_place(millimetres: Any) -> str:
    """A place as radiologists write it: `L 12.0 P 3.5 S 40.2 mm`."""
    right, front, up = (round(float(part), 1) for part in millimetres[:3])
    sides = ("R" if right >= 0 else "L", "A" if front >= 0 else "P", "S" if up >= 0 else "I")
    return " ".join(f"{side} {abs(part):.1f}" for side, part in zip(sides, (right, front, up), strict=True)) + " mm"


def facts(volume: Volume) -> list[tuple[str, str]]:
    """What is known of a volume, as names and words."""
    left, back, up = volume.orientation.spacing
    oblique = volume.orientation.oblique
    found = [
        ("Size", " × ".join(map(str, volume.axes)) + (f", {volume.frames} frames" if volume.frames > 1 else "")),
        ("Voxels", f"{volume.voxels.dtype}{f', {volume.unit}' if volume.unit else ''}"),
        ("Spacing", f"{left:.4g} × {back:.4g} × {up:.4g} mm (left, back, up)"),
    ]
    if volume.orientation.affine is None:
        found[2] = ("Spacing", "not known") if (left, back, up) == (1.0, 1.0, 1.0) else found[2]
        found.append(("Orientation", "not said: sides are not named"))
    elif oblique > 1:
        found.append(("Orientation", f"oblique: the planes are the volume's own, up to {oblique:.0f}° off"))
    return found


def _short(value: float) -> str:
    return f"{value:.6g}"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _number(query: Any, name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = _HUGE * 10
    if not abs(value) <= _HUGE:
        raise UsageError(f'{name} is a number, not "{text[:40]}"')
    return value


def _whole(query: Any, name: str) -> int | None:
    value = _number(query, name)
    if value is not None and value != int(value):
        raise UsageError(f'{name} is a whole number, not "{query.get(name)[:40]}"')
    return None if value is None else int(value)
