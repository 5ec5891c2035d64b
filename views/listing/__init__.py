"""The list engine: columns, filters, pages, bulk actions, saved views."""
