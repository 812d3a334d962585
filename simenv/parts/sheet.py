"""What sheet metal is: flat panels with holes and round bends between them, folded in one strip.

The strip runs along s; its width along y, symmetric about 0; its thickness along n, from 0 (the
face that bends of positive angles turn towards) to -thickness.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simenv.parts.build import Triangles, combine, walls
from simenv.parts.hulls import Hull, hull
from simenv.parts.polygon import rectangle, rounded, triangulate

__all__ = ["Bend", "Panel", "Sheet"]


@dataclass(frozen=True, eq=False)
class Panel:
    """A flat piece; ``holes`` are polygons in (s from the panel's start, y)."""

    length: float
    holes: tuple[NDArray[np.float64], ...] = ()
    corner_radius: float = 0.0  # of free ends


@dataclass(frozen=True)
class Bend:
    """A round piece: ``angle_deg`` > 0 turns towards +n; ``radius`` is of the face n = 0."""

    angle_deg: float
    radius: float
    steps: int = 4  # flat facets of the mesh
    pieces: int = 1  # convex pieces of the collision shape


@dataclass(frozen=True, eq=False)
class Sheet:
    """The strip, folded in the x-z plane, beginning at the origin along +x with n = +z."""

    width: float
    thickness: float
    pieces: tuple[Panel | Bend, ...]
    starts: tuple[NDArray[np.float64], ...] = field(init=False)  # (3,) x, z, heading of each piece

    def __post_init__(self) -> None:
        at, starts = np.zeros(3), []
        for piece in self.pieces:
            starts.append(at)
            at = self._after(piece, at, 1.0)
        object.__setattr__(self, "starts", (*starts, at))

    def _after(
        self, piece: Panel | Bend, at: NDArray[np.float64], part: float
    ) -> NDArray[np.float64]:
        """x, z and heading after a ``part`` of a piece."""
        x, z, heading = at
        if isinstance(piece, Panel):
            run = piece.length * part
            return np.array([x + run * np.cos(heading), z + run * np.sin(heading), heading])
        turn = np.radians(piece.angle_deg) * part
        radius = self._radius(piece) * np.sign(turn)
        dx = radius * (np.sin(heading + turn) - np.sin(heading))
        dz = radius * (np.cos(heading) - np.cos(heading + turn))
        return np.array([x + dx, z + dz, heading + turn])

    def _radius(self, bend: Bend) -> float:
        return bend.radius if bend.angle_deg > 0 else bend.radius + self.thickness

    def place(self, number: int, part: float, y: float, n: float) -> NDArray[np.float64]:
        """The point (3,) at a ``part`` (0..1) of piece ``number``, at ``y`` and height ``n``."""
        x, z, heading = self._after(self.pieces[number], self.starts[number], part)
        return np.array([x - n * np.sin(heading), y, z + n * np.cos(heading)])

    def triangles(self) -> Triangles:
        """The closed surface."""
        return combine(*(self._piece(number) for number in range(len(self.pieces))))

    def hulls(self) -> list[Hull]:
        """A convex piece a panel (holes filled) and ``pieces`` a bend."""
        return [piece for number in range(len(self.pieces)) for piece in self._hulls(number)]

    def _ends(self, number: int) -> tuple[bool, bool]:
        return number == 0, number == len(self.pieces) - 1

    def _outline(self, number: int) -> NDArray[np.float64]:
        """Counter-clockwise in (s, y) from (0, -w/2); joints keep their corners."""
        panel = self.pieces[number]
        assert isinstance(panel, Panel)
        first, last = self._ends(number)
        corners = rectangle(panel.length, self.width, (panel.length / 2, 0.0))
        radii = np.array([first, last, last, first]) * panel.corner_radius
        return rounded(corners, radii)

    def _piece(self, number: int) -> Triangles:
        piece = self.pieces[number]
        return self._panel(number, piece) if isinstance(piece, Panel) else self._bend(number, piece)

    def _panel(self, number: int, panel: Panel) -> Triangles:
        outline = self._outline(number)
        points, faces = triangulate(outline, panel.holes)

        def lift(loop: NDArray[np.float64], n: float) -> NDArray[np.float64]:
            return np.array([self.place(number, s / panel.length, y, n) for s, y in loop])

        upper, lower = lift(points, 0.0), lift(points, -self.thickness)
        sides = walls(lift(outline, -self.thickness), lift(outline, 0.0))
        rims = [walls(lift(hole, 0.0), lift(hole, -self.thickness)) for hole in panel.holes]
        return combine(upper[faces], lower[faces[:, ::-1]], self._open(number, sides), *rims)

    def _open(self, number: int, sides: Triangles) -> Triangles:
        """The side walls without those at joints, where the next piece goes on."""
        for is_free, joint in zip(self._ends(number), (number, number + 1), strict=True):
            if not is_free:
                x, z, heading = self.starts[joint]
                along = (sides[..., 0] - x) * np.cos(heading) + (sides[..., 2] - z) * np.sin(
                    heading
                )
                sides = sides[~(np.abs(along) < 1e-9).all(axis=1)]
        return sides

    def _bend(self, number: int, bend: Bend) -> Triangles:
        half, t = self.width / 2, self.thickness
        section = [(-half, -t), (half, -t), (half, 0.0), (-half, 0.0)]
        rings = [
            np.array([self.place(number, part, y, n) for y, n in section])
            for part in np.linspace(0.0, 1.0, bend.steps + 1)
        ]
        return combine(*(walls(a, b) for a, b in itertools.pairwise(rings)))

    def _hulls(self, number: int) -> list[Hull]:
        piece, t = self.pieces[number], self.thickness
        if isinstance(piece, Panel):
            outline = self._outline(number)
            at = [(s / piece.length, y, n) for s, y in outline for n in (0.0, -t)]
            return [hull(*(self.place(number, *point) for point in at))]
        parts = np.linspace(0.0, 1.0, 2 * piece.pieces + 1)
        sides = [(y, n) for y in (-self.width / 2, self.width / 2) for n in (0.0, -t)]
        return [
            hull(*(self.place(number, p, y, n) for p in parts[2 * k : 2 * k + 3] for y, n in sides))
            for k in range(piece.pieces)
        ]
