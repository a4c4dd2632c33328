"""Rows of the engine's statements as model instances, and values of models as the database takes them.

Every step reads five rows. Django's way (`from_db`, `Model.__init__`, converters looked up for each field) takes longer
than the database takes to answer. Here everything that one kind of row needs is looked up once a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import key, listed, on_postgresql
from executions.statements.database.step_definitions import parse
from resources.fields import JSONTextField, to_text
from steprunners.values.stored_json import loads

ModelT = TypeVar("ModelT", bound=models.Model)

Convert = Callable[[Any], Any]


# --- rows to models -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape(Generic[ModelT]):
    """Some columns of a model, in the model's order, and how a row of them becomes an instance."""

    model: type[ModelT]
    columns: tuple[str, ...]
    attributes: tuple[str, ...]
    #: For the columns that need it: their index, and what turns the driver's value into the field's.
    readers: tuple[tuple[int, Convert], ...]

    def __str__(self) -> str:
        return self.listed()

    def listed(self, prefix: str = "") -> str:
        """Return the columns as SQL; `prefix` is their table's name or alias with a dot."""
        return listed(self.columns, prefix)

    def values(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return the row's values by attribute."""
        values = list(row)
        for index, read in self.readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return dict(zip(self.attributes, values, strict=True))

    def instance(self, row: Sequence[Any]) -> ModelT:
        """Return the row as an instance, as `from_db` would; a field that was not read is loaded on first use."""
        return _bare(self.model, self.values(row), adding=False)

    def renewed(self, before: ModelT, row: Sequence[Any], columns: Mapping[str, Any]) -> ModelT:
        """Return a copy of the instance with these columns changed, and those of the row."""
        instance = self.model.__new__(self.model)
        instance.__dict__.update(before.__dict__)
        instance.__dict__.update(columns)
        instance.__dict__.update(self.values(row))
        return instance


def shape_of(
    model: type[ModelT], names: frozenset[str] | None = None, *, without: frozenset[str] = frozenset()
) -> Shape[ModelT]:
    """Return the shape of the fields with these names (None: all fields), except those in `without`."""
    shape: Shape[ModelT] = _shape(model, names, without)
    return shape


@cache
def _shape(model: type[models.Model], names: frozenset[str] | None, without: frozenset[str]) -> Shape[Any]:
    fields = [
        each
        for each in model._meta.concrete_fields
        if (names is None or each.name in names) and each.name not in without
    ]
    readers = ((index, _reader(each)) for index, each in enumerate(fields))
    return Shape(
        model,
        tuple(str(each.column) for each in fields),
        tuple(each.attname for each in fields),
        tuple((index, read) for index, read in readers if read is not None),
    )


def unsaved(model: type[ModelT], values: Mapping[str, Any]) -> ModelT:
    """Return a new instance with these values, by attribute; the caller gives a value for every field.

    The model's `__init__` looks at every field for a default and costs ten times as much.
    """
    return _bare(model, values, adding=True)


def _bare(model: type[ModelT], values: Mapping[str, Any], *, adding: bool) -> ModelT:
    instance = model.__new__(model)
    instance.__dict__.update(values)
    instance._state = ModelState()
    instance._state.adding = adding
    instance._state.db = None if adding else DEFAULT_DB_ALIAS
    return instance


def _reader(of: models.Field[Any, Any]) -> Convert | None:
    if of.model is ExecutionStep and of.name == "definition":
        return parse
    if isinstance(of, JSONTextField):
        return _from_text
    column = of.get_col(of.model._meta.db_table)  # a foreign key is read as the key that it holds
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]

    def read(value: Any) -> Any:
        for convert in steps:
            value = convert(value, column, connection)
        return value

    return read if steps else None


_EMPTY: dict[str, Callable[[], Any]] = {"[]": list, "{}": dict}


def _from_text(text: str) -> Any:
    """Parse JSON. Most columns of a step that has not run hold an empty list or object."""
    empty = _EMPTY.get(text)
    return loads(text) if empty is None else empty()


# --- models to rows -------------------------------------------------------------------------------


def to_database(of: models.Field[Any, Any], value: Any) -> Any:
    """Return the field's value as the driver takes it."""
    return writer_of(of)(value)


@cache
def writers_of(model: type[models.Model]) -> dict[str, Convert]:
    """Return, by a field's name, what turns its value into the driver's."""
    return {each.name: writer_of(each) for each in model._meta.concrete_fields}


@cache
def writer_of(of: models.Field[Any, Any]) -> Convert:
    """Return what turns the field's value into the driver's."""
    if isinstance(of, JSONTextField):
        return to_text
    if isinstance(of, models.CharField | models.IntegerField | models.BooleanField):
        return _as_it_is
    if isinstance(of, models.UUIDField | models.ForeignKey):  # every foreign key here is a UUID
        return key
    if isinstance(of, models.DateTimeField) and on_postgresql():
        return _as_it_is
    return lambda value: of.get_db_prep_save(value, connection)


def _as_it_is(value: Any) -> Any:
    return value


# --- the shapes that most statements return -------------------------------------------------------

#: A whole step.
STEP_ROW = shape_of(ExecutionStep)
#: An execution without its draft, which can be as large as the whole flow.
EXECUTION_ROW = shape_of(Execution, without=frozenset({"draft"}))
