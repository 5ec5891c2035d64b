"""The parts of the web app that belong to no subject: login, layout, headers, errors, scheduler, screens."""
