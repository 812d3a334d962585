"""How parts move: the only floor with simulated time."""
