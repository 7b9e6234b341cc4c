"""The expert's seat: what a person sees and does around a run in JupyterLab, from the form to the attached evidence."""
