"""Step 2 with a real person: a running session draws, and a learner in a process of its own learns from it."""
