"""Assets and services of a request: those that it affects, and the requests of an asset."""
