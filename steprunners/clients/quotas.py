"""Limits how much one step may read, where the limit of its organisation is lower than that of the step type."""

from __future__ import annotations

from typing import TypeVar

from pydantic.alias_generators import to_camel

from steprunners.config import StepConfig
from steprunners.errors import BadConfig

ConfigT = TypeVar("ConfigT", bound=StepConfig)


def within(config: ConfigT, field: str, most: int) -> ConfigT:
    """Return the config with the number in `field` limited to `most`.

    A higher default is lowered. Raises BadConfig where the step itself asks for more.
    """
    asked: int = getattr(config, field)
    if asked <= most:
        return config
    if field in config.model_fields_set:
        raise BadConfig(
            f"meta.{to_camel(field)}: the organisation's limit is {most}, but this step asks for {asked}"
        )
    return config.model_copy(update={field: most})
