"""What an audit found, as a page, as JSON and as a dataset card."""

from simenv.view.audit.write import write_audit

__all__ = ["write_audit"]
