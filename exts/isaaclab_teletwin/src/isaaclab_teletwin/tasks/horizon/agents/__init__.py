"""How each library learns the task."""
