"""simenv: one YAML file describes a narrow domain; from it come labelled datasets."""

__version__ = "0.1.0"
