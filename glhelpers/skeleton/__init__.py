"""The skeleton of a new runbook: what the repository demands of one, written in one go."""
