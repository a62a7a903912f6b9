"""The Flask extensions; ``create_app`` binds them to the application."""

from typing import cast

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base of all models. Constraints get predictable names, which migrations and error handling rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(model: type[Base]) -> Table:
    """Return a model's table, for SQLAlchemy Core: its statements cost a third of the ORM's."""
    return cast(Table, model.__table__)


db = SQLAlchemy(model_class=Base)
migrate = Migrate(compare_type=True, compare_server_default=True)
