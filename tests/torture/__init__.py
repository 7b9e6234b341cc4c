"""Batteries that try to make a write happen twice, get lost, or happen unasked."""
