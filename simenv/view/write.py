"""Where the page and the picture of a dataset go, and that they get there whole."""

from __future__ import annotations

from pathlib import Path

from simenv.dataset.disk import replace_file
from simenv.dataset.read import open as open_dataset
from simenv.errors import InputError
from simenv.view.encode import png as encoded_png
from simenv.view.page import page_html
from simenv.view.picture import strip
from simenv.view.source import Source

__all__ = ["write_page", "write_picture"]


def write_page(path: str | Path, *, out: str | Path | None = None, images: int = 24) -> Path:
    """Write one HTML page that shows the dataset at ``path`` and needs nothing but itself.

    Args:
        path: a dataset: its folder, or an .h5 file.
        out: the page; default ``view.html`` in the folder, ``<file>.view.html`` beside a file.
        images: how many images it shows at most, evenly over scenes, cameras and frames.

    Returns:
        Where the page is.

    Raises:
        InputError: there is no dataset at ``path``, or ``out`` is not the name of an HTML file.
        StorageError: the disk refused.
    """
    path = Path(path)
    beside = path / "view.html" if path.is_dir() else path.with_name(path.name + ".view.html")
    out = beside if out is None else _named(Path(out), ".html", option="--out")
    if images < 1:
        raise InputError(f"--images: {images} shows nothing; ask for 1 or more")
    with open_dataset(path) as dataset:
        source = Source(dataset)
        page = page_html(source.about(), source.spread(images))
    # Text from a damaged file may hold half characters, which UTF-8 cannot say.
    replace_file(out, page.encode(errors="replace"))
    return out


def write_picture(path: str | Path, png: str | Path, *, image: int | None = None) -> Path:
    """Write one image of the dataset as a strip: rgb, depth, mask, rgb with poses and boxes.

    Args:
        path: a dataset: its folder, or an .h5 file.
        png: the picture.
        image: which image; default the one in which most parts are visible.

    Returns:
        Where the picture is.

    Raises:
        InputError: no dataset, no such image, or ``png`` is not the name of a PNG file.
        StorageError: the disk refused.
    """
    png = _named(Path(png), ".png", option="--png")
    with open_dataset(path) as dataset:
        source = Source(dataset)
        shot = source.shot(source.richest() if image is None else image)
    replace_file(png, encoded_png(strip(shot)))
    return png


def _named(path: Path, suffix: str, *, option: str) -> Path:
    """``path``, if it ends in ``suffix``; so that no slip of the pen replaces a dataset."""
    if path.suffix.lower() != suffix:
        raise InputError(f"{option}: {path} does not end in {suffix}; choose a name that does")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{option}: there is no folder {path.parent}; make it, or choose another")
    return path
