"""How the faces of a mesh hang together: edges, neighbours, shells, holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from simenv.assets.soup import Rows

__all__ = ["Edges", "groups"]


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of faces (T, 3): 3 T half-edges, edge k of face t is half-edge 3 t + k."""

    tail: Rows  # (3 T,) vertex where a half-edge begins
    head: Rows  # (3 T,) vertex where it ends
    edge: Rows  # (3 T,) number of the edge, both directions alike
    uses: Rows  # (E,) how many faces have the edge
    balance: Rows  # (E,) uses from the smaller vertex to the larger, less those back

    @classmethod
    def of(cls, faces: Rows) -> Edges:
        """Count them."""
        tail, head = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        low, high = np.minimum(tail, head), np.maximum(tail, head)
        width = int(faces.max(initial=0)) + 1
        _, edge, uses = np.unique(low * width + high, return_inverse=True, return_counts=True)
        edge = edge.reshape(-1)
        balance = np.bincount(edge, np.where(tail < head, 1, -1), len(uses)).astype(np.int64)
        return cls(tail, head, edge, uses, balance)

    @property
    def closed(self) -> bool:
        """Whether each edge is used as often in one direction as in the other."""
        return not self.balance.any()

    @property
    def open(self) -> NDArray[np.bool_]:
        """Half-edges (3 T,) without a neighbour."""
        return np.asarray(self.uses[self.edge] == 1)

    def pairs(self) -> Rows:
        """Half-edges (P, 2) of the edges that just two faces share, sorted."""
        order = np.argsort(self.edge, kind="stable")
        return np.asarray(order[(self.uses == 2)[self.edge[order]]].reshape(-1, 2))

    def agree(self, pairs: Rows) -> NDArray[np.bool_]:
        """Which pairs (P,) run in opposite directions, as in a surface with one outside."""
        return np.asarray(self.tail[pairs[:, 0]] != self.tail[pairs[:, 1]])


def groups(pairs: Rows, count: int) -> Rows:
    """Number of the connected group of each of ``count`` things, from pairs (P, 2) of them."""
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
