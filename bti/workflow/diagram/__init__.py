"""A definition as a picture: SVG for people, Mermaid text for other tools. Drawn from the model and nothing else."""

from bti.workflow.diagram.drawing import svg
from bti.workflow.diagram.mermaid import mermaid

__all__ = ["mermaid", "svg"]
