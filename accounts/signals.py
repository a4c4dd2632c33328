"""What accounts tell the apps above, which they must not import."""

from __future__ import annotations

from django.dispatch import Signal

#: A `team` is about to be deleted: whoever runs something for it ends that now, and removes what they have very many
#: rows of, in portions. Sent outside of a transaction.
team_goes = Signal()

#: A `team` is held in the transaction that deletes it: whoever wrote rows of it after `team_goes` removes them.
team_is_held = Signal()
