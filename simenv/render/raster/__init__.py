"""One OpenGL pass for colour, depth, instance, normals and object coordinates."""

from simenv.render.raster.renderer import RasterRenderer

__all__ = ["RasterRenderer"]
