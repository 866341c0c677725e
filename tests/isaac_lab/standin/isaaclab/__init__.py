"""A small, strict stand-in of Isaac Lab 3.0: the names that `isaaclab_teletwin` uses, and no others."""
