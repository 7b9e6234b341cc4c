"""The imperative shell: look up, plan, write once, read back; and the journal that remembers."""
