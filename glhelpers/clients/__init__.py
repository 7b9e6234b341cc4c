"""The only code that speaks HTTP: one transport, and a thin typed client for each service."""
