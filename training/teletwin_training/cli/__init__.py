"""Commands of the training package; `teletwin` finds them by name."""
