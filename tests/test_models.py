"""The SQLModel classes have the columns of the tables, and say of each what the table says."""

import subprocess
import sys
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from scheduled import access_models, models, tables
from scheduled.tables import metadata

MODELS = [
    model
    for module in (models, access_models)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, models.Table) and model.__module__ == module.__name__
]
MODELS.remove(models.Table)


def is_optional(annotation: object) -> bool:
    return type(None) in get_args(annotation)


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> type[models.Table]:
    found: type[models.Table] = request.param
    return found


def test_there_is_one_for_each_table() -> None:
    assert {model.__tablename__ for model in MODELS} == set(metadata.tables)


def test_it_has_the_columns_of_its_table(model: type[models.Table]) -> None:
    assert list(model.model_fields) == metadata.tables[str(model.__tablename__)].columns.keys()


def test_it_may_be_none_where_the_column_may_be_null_or_counts_by_itself(model: type[models.Table]) -> None:
    table = metadata.tables[str(model.__tablename__)]
    nullable = {column.name for column in table.columns if column.nullable}
    counted = {
        column.name for column in table.primary_key if column.type is tables.Id and not column.foreign_keys
    }
    optional = {name for name, field in model.model_fields.items() if is_optional(field.annotation)}
    assert optional == nullable | counted


def test_it_has_the_defaults_of_the_columns(model: type[models.Table]) -> None:
    for column in metadata.tables[str(model.__tablename__)].columns:
        default = None if column.default is None else column.default.arg  # type: ignore[attr-defined]
        assert model.model_fields[column.name].get_default() in (default, PydanticUndefined), column.name


def test_the_daemon_does_without_them() -> None:
    told = "import scheduled.cli.running, scheduled.daemon, sys; print('sqlmodel' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
