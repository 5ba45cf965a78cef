"""Alembic's entry: runs the migrations on the connection that :meth:`Store.migrate` hands over."""

from alembic import context

from chartropy.workspace.tables import metadata  # pyright: ignore[reportMissingImports]

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
