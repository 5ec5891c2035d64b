"""Sessions and second factors."""
