"""PyBullet, imported without the line that it prints on standard output."""

from simenv.quiet import quiet

with quiet():
    import pybullet

__all__ = ["pybullet"]
