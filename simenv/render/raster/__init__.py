"""One OpenGL pass for colour, depth, instance, normals and object coordinates."""

from simenv.render.raster.probe import open_raster, probe_raster
from simenv.render.raster.renderer import RasterRenderer

__all__ = ["RasterRenderer", "open_raster", "probe_raster"]
