"""The Flask extensions, created unbound; ``create_app`` binds them."""

from typing import cast

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Base of all models; every constraint has a predictable name, so that migrations and errors can speak of it."""

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
    """A model's table, for statements of SQLAlchemy Core, which cost a third of the ORM's."""
    return cast(Table, model.__table__)


db = SQLAlchemy(model_class=Base)
migrate = Migrate(compare_type=True, compare_server_default=True)
