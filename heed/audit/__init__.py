"""What firmware images are made of: their instructions, their sizes, the stack they can need."""

from heed.audit.images import Recipe, project_images
from heed.audit.report import Audit, audit

__all__ = ["Audit", "Recipe", "audit", "project_images"]
