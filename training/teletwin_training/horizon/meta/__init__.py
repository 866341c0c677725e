"""A start from which step 2 learns a new person fastest: meta-learned over made-up persons."""
