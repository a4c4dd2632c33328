"""What accounts tell the apps above, which they must not import."""

from __future__ import annotations

from django.dispatch import Signal

#: A `team` is about to be deleted: whoever has very many rows of it removes them now, in portions.
team_goes = Signal()
