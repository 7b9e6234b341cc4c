"""Evidence of a run: redaction, pictures for notebook and page, the note, the run folder, publishing."""
