"""HTTP: headers, compression, proxies, health, and the production server."""
