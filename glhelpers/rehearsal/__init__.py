"""Training cases on the sandbox: a ticket, a goal, and a judge that goes by evidence."""
