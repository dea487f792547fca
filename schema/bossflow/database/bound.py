"""The schema that tables are bound to."""

import inspect
from typing import Any, cast

import datajoint as dj

from .catalog import Catalog


class Schema(dj.Schema):
    """DataJoint's schema, which remembers its tables also when they come after it is bound."""

    connection: Any

    def __init__(self) -> None:
        super().__init__(create_schema=False, create_tables=False)
        self.tables: list[tuple[Any, dict[str, Any]]] = []
        self.catalog: Catalog | None = None

    def __call__(self, cls: type, *, context: dict[str, Any] | None = None) -> type:
        """Add a table; names in its definition are looked up where it is written."""
        frame = inspect.currentframe()
        if context is None and frame is not None and frame.f_back is not None:
            context = frame.f_back.f_locals
        self.tables.append((cls, context or {}))
        return cast(type, super().__call__(cls, context=context))

    def activate(self, schema_name: str | None = None, **options: Any) -> None:
        """Bind the tables; what their headings are is asked for once for all."""
        connection = options.get("connection")
        self.catalog = Catalog(connection, schema_name) if connection and schema_name else None
        super().activate(schema_name, **options)

    def _decorate_table(self, table_class: Any, *args: Any, **options: Any) -> None:
        if self.create_tables or self.catalog is None:
            super()._decorate_table(table_class, *args, **options)
            return
        connection, self.connection = self.connection, self.catalog
        try:
            super()._decorate_table(table_class, *args, **options)
        finally:
            self.connection = table_class._connection = connection
