"""How much one step may read, where its organisation has less than the step type allows."""

from __future__ import annotations

from typing import TypeVar

from pydantic.alias_generators import to_camel

from steprunners.config import StepConfig
from steprunners.errors import BadConfig

ConfigT = TypeVar("ConfigT", bound=StepConfig)


def within(config: ConfigT, field: str, most: int) -> ConfigT:
    """Return the config with the number in `field` at most `most`.

    A default that is more is lowered; raises BadConfig where the step itself asks for more.
    """
    asked: int = getattr(config, field)
    if asked <= most:
        return config
    if field in config.model_fields_set:
        raise BadConfig(
            f"meta.{to_camel(field)}: the organisation's limit is {most}, but this step asks for {asked}"
        )
    return config.model_copy(update={field: most})
