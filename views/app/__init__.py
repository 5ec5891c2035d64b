"""What belongs to no subject: login, layout, headers, errors, scheduler, registration of screens."""
