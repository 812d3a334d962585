"""Whether a scene shows what its edge case promises: read off its labels, never off its plan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import hull, pose
from simenv.dataset.record import CameraRecord, Record
from simenv.label.seen import Seen
from simenv.spec.edge import Guarantee, Range
from simenv.spec.object import ObjectModel

__all__ = ["TOUCH_M", "met", "needed_labels"]

TOUCH_M = 1e-3  # surfaces nearer than this touch
SATURATED = 250  # of 255: a channel that is as bright shows no shape any more
LUMA = np.array([0.299, 0.587, 0.114]) / 255  # of red, green, blue; ITU-R BT.601

Flags = NDArray[np.bool_]  # (N,) one for each body of the record
Floats = NDArray[np.float64]


def needed_labels(guarantee: Guarantee) -> frozenset[str]:
    """Labels that it is judged by, whether or not the task asks for them on disk."""
    return frozenset() if guarantee.truncation is None else frozenset({"truncation"})


def met(guarantee: Guarantee, record: Record, groups: Collection[str]) -> bool:
    """Whether ``record`` shows what ``guarantee`` says; parts are the bodies of ``groups``.

    In at least ``frames`` frames there are at least ``cameras`` cameras whose picture meets what is
    said of pictures, and in which the number of parts that meet all that is said of parts is one
    that ``parts`` allows.
    """
    bodies = _Bodies(record, guarantee)
    parts = np.array([group in groups for group in record.body_group], dtype=np.bool_)
    good = 0
    for frame in range(len(record.time_s)):
        own = parts & bodies.meet(frame)
        cameras = [_sees(guarantee, camera, frame, own) for camera in record.cameras.values()]
        good += sum(cameras) >= guarantee.cameras
    return good >= guarantee.frames


def _sees(guarantee: Guarantee, camera: CameraRecord, frame: int, own: Flags) -> bool:
    """Whether the camera shows it in a frame, of bodies that are as they should: ``own``."""
    rgb = camera.images["rgb"][frame]
    return (
        _fits(guarantee.parts, int((own & _seen(guarantee, camera.seen[frame])).sum()))
        and (guarantee.brightness is None or _fits(guarantee.brightness, _brightness(rgb)))
        and (guarantee.saturated is None or _fits(guarantee.saturated, _saturated(rgb)))
    )


def _within(bounds: Range, values: NDArray[Any]) -> Flags:
    """Where values are inside both ends; never where they are NaN."""
    low = -np.inf if bounds.min is None else bounds.min
    high = np.inf if bounds.max is None else bounds.max
    return np.asarray((values >= low) & (values <= high))


def _fits(bounds: Range, value: float) -> bool:
    return bool(_within(bounds, np.array(value)))


def _brightness(rgb: NDArray[np.uint8]) -> float:
    return float(rgb.reshape(-1, 3).mean(axis=0) @ LUMA)


def _saturated(rgb: NDArray[np.uint8]) -> float:
    return float((rgb >= SATURATED).any(axis=2).mean())


def _seen(guarantee: Guarantee, seen: Seen) -> Flags:
    """Which bodies (N,) look as they should."""
    flags = np.ones(len(seen.px_visible), dtype=np.bool_)
    if guarantee.visible_fraction is not None:
        flags &= _within(guarantee.visible_fraction, seen.visible_fraction)
    if guarantee.px_visible is not None:
        flags &= _within(guarantee.px_visible, seen.px_visible)
    if guarantee.truncation is not None:
        assert seen.truncation is not None, "needed_labels were not asked for"
        flags &= _within(guarantee.truncation, seen.truncation)
    return flags


@dataclass(frozen=True, eq=False)
class _Bodies:
    """What does not depend on a camera."""

    record: Record
    guarantee: Guarantee

    def meet(self, frame: int) -> Flags:
        """Which bodies (N,) are in a frame as they should be."""
        own, X_WB = self.guarantee, self.record.X_WB[frame]
        speed = np.linalg.norm(self.record.velocity[:, :, :3], axis=2)  # (F, N)
        flags = np.ones(len(X_WB), dtype=np.bool_)
        if own.objects is not None:
            flags &= np.array([name in own.items for name in self.record.body_object])
        if own.tilt_deg is not None:
            up = np.clip(X_WB[:, 2, 2], -1.0, 1.0)
            flags &= _within(own.tilt_deg, np.degrees(np.arccos(up)))
        if own.speed_m_s is not None:
            flags &= _within(own.speed_m_s, speed[frame])
        if own.speed_change_m_s is not None:
            flags &= _within(own.speed_change_m_s, np.ptp(speed, axis=0))
        if own.overhang_m is not None:
            flags &= _within(own.overhang_m, self._overhangs(X_WB))
        if own.touching_same_object is not None:
            flags &= self._touching(X_WB)
        return flags

    def _model(self, body: int) -> ObjectModel:
        return self.record.objects[self.record.body_object[body]]

    def _movable(self) -> list[int]:
        roles = enumerate(self.record.body_role)
        return [body for body, role in roles if role in ("part", "distractor")]

    def _overhangs(self, X_WB: Floats) -> Floats:
        """Metres (N,) that a body reaches over the edge of what carries it; NaN: nothing does."""
        found = np.full(len(X_WB), np.nan)
        groups = enumerate(self.record.body_group)
        carriers = [body for body, group in groups if group in ("belts", "tables")]
        for body in self._movable():
            for carrier in carriers:
                X_CB = pose.inverse(X_WB[carrier]) @ X_WB[body]
                over = _overhang(self._model(body), X_CB, self._model(carrier).mesh.extents / 2)
                found[body] = np.nanmax([found[body], over]) if np.isfinite(over) else found[body]
        return found

    def _touching(self, X_WB: Floats) -> Flags:
        """Which bodies (N,) touch another one of the same object."""
        flags = np.zeros(len(X_WB), dtype=np.bool_)
        movable = self._movable()
        for k, a in enumerate(movable):
            for b in movable[k + 1 :]:
                if self.record.body_object[a] == self.record.body_object[b]:
                    flags[[a, b]] |= self._gap(X_WB, a, b) <= TOUCH_M
        return flags

    def _gap(self, X_WB: Floats, a: int, b: int) -> float:
        """Metres between two bodies of one object; infinity where they are plainly apart."""
        model = self._model(a)
        apart = float(np.linalg.norm(X_WB[a, :3, 3] - X_WB[b, :3, 3]))
        radius = float(np.linalg.norm(model.mesh.vertices, axis=1).max())
        if apart > 2 * radius + TOUCH_M:
            return np.inf
        one, two = ([pose.apply(X_WB[k], p) for p in model.pieces] for k in (a, b))
        return hull.gap(one, two, beyond=TOUCH_M)


def _overhang(model: ObjectModel, X_CB: Floats, half_m: Floats) -> float:
    """Metres that a body reaches over the edge of a block C; NaN if its weight is not above C."""
    com_C = pose.apply(X_CB, model.mass_properties[0][None])[0]
    if (np.abs(com_C[:2]) > half_m[:2]).any() or com_C[2] < 0:
        return np.nan
    points_C = pose.apply(X_CB, model.mesh.vertices)
    return max(0.0, float((np.abs(points_C[:, :2]) - half_m[:2]).max()))
