"""What a dataset looks like: one self-contained HTML page, or one picture."""

from simenv.view.write import write_page, write_picture

__all__ = ["write_page", "write_picture"]
