"""Belts: parts ride at the belt's speed, whatever their shape, and the belt's edges are true."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.physics.world import World
from simenv.scene import Scene
from tests.physics.build import at, ball
