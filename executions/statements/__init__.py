"""Every SQL statement of the engine, by name and with named parameters.

Use it as `statements.step.claim(...)`. Each function is one statement, or a few in one transaction. Its docstring says
which row states it takes and which it leaves. The text of the SQL stands above the function.

- `step`: claim, end and park a step
- `next_steps`: wake, release and skip steps
- `execution`: begin, lock, change to clean-up, complete
- `cancel`: cancel requests and time limits
- `leases`: leases of running steps, and steps whose worker is lost
- `sessions`: what steps share under a name (cookies)
- `sweep`: rows that a sweeper looks at
- `watch`: many watched steps at once
- `admission`: how many runs an organisation has
- `reads`: what the engine reads without Django's ORM
- `insert`: new rows
- `transition`: how one step and its execution change together
- `database`: cursors, rows, and where PostgreSQL and SQLite differ

Every write is conditional. A write of a worker also carries the fencing token (`fence`) of its claim, so a worker that
lost its lease changes nothing.
"""

from executions.statements import (
    admission,
    cancel,
    execution,
    leases,
    next_steps,
    reads,
    sessions,
    step,
    sweep,
    watch,
)
from executions.statements.insert import insert

__all__ = [
    "admission",
    "cancel",
    "execution",
    "insert",
    "leases",
    "next_steps",
    "reads",
    "sessions",
    "step",
    "sweep",
    "watch",
]
