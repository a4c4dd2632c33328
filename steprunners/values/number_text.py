"""Text that is known to be a number: a decimal or a long integer of an `sql` result (docs/adr/0020).

JSON readers use doubles, so such a number travels as text (`"19.90"`). Its look does not tell: a system under test may
send the text "19.90" as well, and that is no number. So whoever reads the database marks it, and the mark goes where
the value goes: into variables, `forEach`, child executions and the database.
"""

from __future__ import annotations

from decimal import Decimal


class NumberText(str):
    """The digits of a number; text in every other respect. Only `clients/sql` makes one, and what stored it."""

    __slots__ = ()

    @property
    def number(self) -> Decimal:
        """The exact number."""
        return Decimal(self)
