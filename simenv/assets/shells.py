"""Which pieces a mesh is made of: crumbs are dropped, pieces far apart are refused."""

from __future__ import annotations

import numpy as np

from simenv.assets.edges import groups
from simenv.assets.finding import Finding
from simenv.assets.soup import Floats, Rows, Soup
from simenv.errors import InputError

__all__ = ["drop_strays", "refuse_distant", "shells"]

STRAY = 0.01  # of the largest shell's length: what is smaller is a crumb
APART = 2.0  # largest shell's lengths between shells of one part
MAX_SHELLS = 2_000


def shells(soup: Soup) -> Rows:
    """Number of the shell of each face (T,): faces that share a vertex are one."""
    pairs = np.concatenate([soup.faces[:, [0, 1]], soup.faces[:, [1, 2]]])
    of_vertex = groups(pairs, len(soup.vertices))
    _, shell = np.unique(of_vertex[soup.faces[:, 0]], return_inverse=True)
    return np.asarray(shell.reshape(-1), dtype=np.int64)


def _boxes(soup: Soup, shell: Rows) -> tuple[Floats, Floats]:
    """Lowest and highest corners (S, 3) of each shell."""
    count = int(shell.max()) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    triangles = soup.triangles
    np.minimum.at(low, shell, triangles.min(axis=1))
    np.maximum.at(high, shell, triangles.max(axis=1))
    return low, high


def drop_strays(soup: Soup, found: list[Finding]) -> Soup:
    """Without shells that are tiny beside the largest one."""
    shell = shells(soup)
    low, high = _boxes(soup, shell)
    length = np.linalg.norm(high - low, axis=1)
    stray = length < STRAY * length.max()
    if not stray.any():
        return soup
    share = length[stray].max() / length.max()
    count = int(stray.sum())
    text = (
        f"dropped {count} stray shell{'s' * (count > 1)}, at most {share:.2g} of the part's length"
    )
    found.append(Finding("mend", text))
    return soup.keep(~stray[shell]).trim()


def refuse_distant(soup: Soup) -> None:
    """No part has pieces that far apart.

    Raises:
        InputError: with the distance, in the unit of the file.
    """
    low, high = _boxes(soup, shells(soup))
    if len(low) > MAX_SHELLS:
        text = f"has {len(low)} separate shells, at most {MAX_SHELLS} are read"
        raise InputError(f"{text}; export one part alone, its surface joined")
    gap = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(axis=2)
    length = float(np.linalg.norm(high - low, axis=1).max())
    cluster = groups(np.argwhere(gap <= APART * length), len(low))
    if cluster.max() > 0:
        apart = float(gap[cluster == 0][:, cluster != 0].min())
        text = f"has shells {apart:.4g} apart, the largest {length:.4g} long"
        raise InputError(f"{text}; export each part alone")
