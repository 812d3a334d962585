"""How a snapshot becomes pixels."""
