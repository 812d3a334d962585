"""Is every axis of a domain what it says: semantic, visual, and alive?"""

from simenv.check.axes import check_task
from simenv.check.finding import Finding, as_json

__all__ = ["Finding", "as_json", "check_task"]
