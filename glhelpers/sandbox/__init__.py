"""A real HTTP server on loopback that behaves as GitLab.com, CustomersDot and Zendesk over one shared world."""
