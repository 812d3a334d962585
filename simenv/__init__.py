"""simenv: one YAML file describes a narrow domain; from it come labelled, verifiable datasets.

Example:
    >>> import simenv
    >>> with simenv.open("out/conveyor") as dataset:
    ...     print(len(dataset), dataset[0].rgb.shape)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simenv.dataset.read import open
    from simenv.spec.load import load_task

__version__ = "0.1.0"
__all__ = ["__version__", "load_task", "open"]


def __getattr__(name: str) -> Any:
    """The public names, imported when asked for: `import simenv` stays instant."""
    if name == "open":
        from simenv.dataset.read import open

        return open
    if name == "load_task":
        from simenv.spec.load import load_task

        return load_task
    raise AttributeError(f"module 'simenv' has no attribute {name!r}")
