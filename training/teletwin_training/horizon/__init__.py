"""Training of horizon policies: the delayed loop as an environment, two steps of learning, and their comparison."""
