"""Where a person decides: one decision function, a face with widgets, a face for terminals."""
