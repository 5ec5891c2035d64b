"""Parameters that take their value when a statement is executed, so that the statement itself is built once."""

from __future__ import annotations

from models.hybrids import date_parameter, moment_parameter
from views.app.clock import now
from views.i18n.language import today

#: This moment; and today's date in the reader's time zone.
NOW = moment_parameter("now", now)
TODAY = date_parameter("today", today)
