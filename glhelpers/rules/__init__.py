"""The handbook page as pure functions of facts; read `force_associate.py` first, next to the page."""
