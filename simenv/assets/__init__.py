"""How meshes from elsewhere become objects of the catalog: `simenv import`."""
